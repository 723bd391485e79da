"""What a page asks: from a form to an address, from an address to a request, and what a click on a chip changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from db.values.photo_filter import PhotoFilter
from facesearch.attributes import ATTRIBUTES, BY_NAME
from facesearch.errors import SearchError
from facesearch.query import Query, Statement
from facesearch.query.photo_filters import printed
from facesearch.query.phrases import DENIALS
from facesearch.query.tree import (
    EVERYTHING,
    Node,
    Term,
    Weighted,
    all_of,
    firm,
    hedge,
    negate,
    parts_of,
)
from facesearch.search.request import Order, Request
from facesearch.vision.detection.detector import SEARCH_FROM

IN_ADDRESS = 1_500
"""Characters of a request that an address holds; a longer one is stored, and the address holds its id."""

BOUNDS = {"score": "min_score", "detection": "min_detection", "size": "min_face"}
"""What no description can say, and an address says beside it, with the field of the request."""

_HOW = {"plainly": 1.0, "probably": 0.8, "maybe": 0.5}


@dataclass(frozen=True, slots=True)
class Extra:
    """What is asked beside the words: least scores and sizes, and the order."""

    score: float = 0.0
    detection: float = SEARCH_FROM
    size: float = 0.0
    order: Order = Order.WITNESS

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Extra":
        """From the fields of a form or an address; what is empty is as usual. Raises SearchError."""
        plain = cls()
        values: dict[str, float] = {}
        for name in BOUNDS:
            text = given.get(name, "").strip().replace(",", ".")
            try:
                values[name] = float(text) if text else getattr(plain, name)
            except ValueError:
                raise SearchError(f'"{text[:40]}" is no number: write one such as 0.5, or leave it empty.') from None
        order = Order.SCORE if given.get("order") == Order.SCORE.value else Order.WITNESS
        return cls(**values, order=order)

    def apply(self, request: Request) -> Request:
        """Raises SearchError for a bound that makes no sense."""
        bounds = {field: getattr(self, name) for name, field in BOUNDS.items()}
        return replace(request, **bounds, order=self.order)

    def parameters(self) -> dict[str, str]:
        """What an address says of it: nothing of what is as usual."""
        plain = Extra()
        told = {name: f"{getattr(self, name):g}" for name in BOUNDS if getattr(self, name) != getattr(plain, name)}
        return told | ({"order": self.order.value} if self.order is not plain.order else {})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a search page shows the answer to.

    text: as typed; stored: the id under which it is kept, "" where the address holds it. person: whom of several.
    request: what is searched. statement: what was understood of the text. changed: whether the request is another than
    the statement says.
    """

    text: str
    request: Request
    statement: Statement | None
    extra: Extra
    stored: str = ""
    person: int | None = None
    changed: bool = False

    @property
    def address(self) -> str:
        return address(self.text, self.stored, self.person, self.extra)

    @property
    def hidden(self) -> dict[str, str]:
        """The fields of a form that say what it is about."""
        about = {"id": self.stored} if self.stored else {"q": self.text}
        person = {"person": str(self.person)} if self.person else {}
        return {**about, **person, **self.extra.parameters()}

    def of_person(self, number: int) -> str:
        return address(self.text, self.stored, number, self.extra)


def address(text: str, stored: str, person: int | None, extra: Extra) -> str:
    """Where a search is found."""
    more = {**({"person": str(person)} if person else {}), **extra.parameters()}
    if stored:
        return f"/search/{stored}{'?' + urlencode(more) if more else ''}"
    return f"/search?{urlencode({'q': text, **more}, quote_via=quote)}"


def fits_address(text: str, statement: Statement | None, *, pasted: bool) -> bool:
    """Whether a text may stand in an address: a description in one line, of which nothing was set aside. Else it may
    be a statement, which names people."""
    if pasted or statement is None or len(text) > IN_ADDRESS or "\n" in text.strip():
        return False
    return len(statement.persons) == 1 and not statement.set_aside


@dataclass(frozen=True, slots=True)
class Chip:
    """A thing that is searched. number: among its kind ("part", "bound", "folder", "name", "taken", "camera"); says:
    in words; certainty: 1 where it is said plainly; denied, must: whether it is; single: whether it is one word, which
    can be denied by itself; grade: of its attribute, None where there are several or none is known."""

    kind: str
    number: int
    says: str
    plain: str = ""
    certainty: float = 1.0
    denied: bool = False
    must: bool = False
    counts: bool = True
    attributes: tuple[int, ...] = ()

    @property
    def how(self) -> str:
        return next((word for word, value in _HOW.items() if value == self.certainty), "hedged")


def chips(request: Request) -> list[Chip]:
    """Everything that is searched, each with what a click can change."""
    query = request.query
    found = []
    if query.tree != EVERYTHING:
        scored = {attribute for part in parts_of(query.scored) for attribute in part.attributes}
        for number, part in enumerate(parts_of(query.tree)):
            certainty = part.certainty if isinstance(part, Weighted) else 1.0
            plain = firm(part)
            found.append(
                Chip(
                    "part",
                    number,
                    str(part),
                    str(plain),
                    certainty,
                    str(plain).startswith(DENIALS),
                    part in query.musts,
                    bool(part.attributes & scored),
                    tuple(sorted(part.attributes)),
                )
            )
    found += [Chip("bound", number, str(each)) for number, each in enumerate(query.thresholds)]
    for photo in request.photo_filters:
        for says in printed(photo):
            kind = says.lstrip("(").partition(":")[0]
            found.append(Chip(kind, 0, says))
    return found


def change(request: Request, how: str, kind: str, number: int) -> Request:
    """The request after a click on a chip: "deny", "plainly", "probably", "maybe", "must" or "drop". Raises
    SearchError where there is no such chip."""
    query = request.query
    if kind == "part":
        return replace(request, query=_changed_part(query, how, number))
    if how != "drop":
        raise SearchError("A filter can only be dropped.")
    if kind == "bound":
        left = tuple(each for at, each in enumerate(query.thresholds) if at != number)
        return replace(request, query=replace(query, thresholds=left))
    fields = {"taken": ("taken_from", "taken_to")}.get(kind, (kind,))
    if kind not in ("folder", "name", "camera", "taken"):
        raise SearchError("There is no such filter.")
    plain = PhotoFilter()
    cleared = {field: getattr(plain, field) for field in fields}
    return replace(
        request,
        query=replace(query, photo=replace(query.photo, **cleared)),
        photo=replace(request.photo, **cleared),
    )


def _changed_part(query: Query, how: str, number: int) -> Query:
    parts = list(parts_of(query.tree)) if query.tree != EVERYTHING else []
    if not 0 <= number < len(parts):
        raise SearchError("The description has changed meanwhile: look at it again.")
    old = parts[number]
    certainty = old.certainty if isinstance(old, Weighted) else 1.0
    musts = [each for each in query.musts if each not in (old, firm(old))]
    was_must = len(musts) < len(query.musts)
    if how == "drop":
        del parts[number]
    elif how == "deny":
        parts[number] = hedge(negate(firm(old)), certainty)
        musts += [parts[number]] if was_must else []
    elif how in _HOW:
        parts[number] = hedge(firm(old), _HOW[how])
        musts += [parts[number]] if was_must and how == "plainly" else []
    elif how == "must":
        parts[number] = firm(old)
        musts += [] if was_must else [parts[number]]
    else:
        raise SearchError("There is no such change.")
    return replace(query, tree=all_of(parts), musts=tuple(dict.fromkeys(musts)))


def with_attributes(request: Request, wanted: Mapping[str, str]) -> Request:
    """The request with attributes set ("has"), denied ("lacks") or left open ("any"), by their names; those that are as
    wanted stay as they are, with their hedges."""
    query = request.query
    parts: list[Node] = list(parts_of(query.tree)) if query.tree != EVERYTHING else []
    states = attribute_states(query)
    for name, state in wanted.items():
        attribute = BY_NAME.get(name)
        if attribute is None or state not in ("any", "has", "lacks") or states[attribute.index] == state:
            continue
        parts = [part for part in parts if part.attributes != {attribute.index}]
        if state != "any":
            parts.append(Term(attribute.index, state == "has"))
    left = tuple(each for each in query.musts if each in parts)
    return replace(request, query=replace(query, tree=all_of(parts), musts=left))


def attribute_states(query: Query) -> list[str]:
    """For each of the 40 whether the description has it, lacks it or leaves it open ("any"), said by itself."""
    states = ["any"] * len(ATTRIBUTES)
    for part in parts_of(query.tree) if query.tree != EVERYTHING else ():
        plain = firm(part)
        if isinstance(plain, Term):
            states[plain.attribute] = "has" if plain.holds else "lacks"
    return states


def with_photo(request: Request, photo: PhotoFilter) -> Request:
    """The request with these conditions on photos, and no others."""
    return replace(request, query=replace(request.query, photo=PhotoFilter()), photo=photo).merged()


def photo_of(request: Request) -> PhotoFilter:
    """All conditions on photos in one."""
    first, *rest = request.photo_filters or (PhotoFilter(),)
    for each in rest:
        first = replace(
            first,
            folder=first.folder + each.folder,
            name=first.name + each.name,
            camera=first.camera + each.camera,
            taken_from=first.taken_from or each.taken_from,
            taken_to=first.taken_to or each.taken_to,
        )
    return first


def is_empty(request: Request) -> bool:
    """Whether nothing is asked any more."""
    return request.query.tree == EVERYTHING and not request.query.thresholds and not request.photo_filters


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a statement as it is shown. kind: "" between, "used" or "aside"; why: what it means, or why it is not
    searched."""

    words: str
    kind: str = ""
    why: str = ""


def pieces(text: str, statement: Statement, person: int | None) -> Iterator[Piece]:
    """The statement from its beginning to its end, with what is searched for the person and what is set aside."""
    number = min(max(person or 1, 1), len(statement.persons))
    spans = [(each.start, each.end, "used", each.means) for each in statement.persons[number - 1].used]
    spans += [(each.start, each.end, "aside", each.why) for each in statement.set_aside]
    at = 0
    for start, end, kind, why in sorted(spans):
        if start < at or end > len(text):
            continue
        if start > at:
            yield Piece(text[at:start])
        yield Piece(text[start:end], kind, why)
        at = end
    if at < len(text):
        yield Piece(text[at:])
