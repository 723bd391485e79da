"""Sentences for what is told as a kind with values: notices on statements, descriptions and searches. Errors have
theirs in `cli.report.remedies`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from facesearch.errors import some_of

if TYPE_CHECKING:
    from facesearch.errors import Notice
    from facesearch.query.report import SetAside
    from facesearch.query.statement import Statement
    from facesearch.search.hits import Searched


def counted(number: int, noun: str, plural: str = "") -> str:
    """ "1 photo", "2,000 photos". plural: where an s does not make it, as in "1 photo is", "2,000 photos are"."""
    return f"1 {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def recognised_in_words(illegal: int, irrelevant: int) -> "Iterator[str]":
    """How many photos were passed over since they are of sets of known files."""
    if illegal:
        were = "was" if illegal == 1 else "were"
        yield f"{counted(illegal, 'photo')} of the set of known illegal pictures {were} not looked at."
    if irrelevant:
        was = "was" if irrelevant == 1 else "were"
        yield f"{counted(irrelevant, 'photo')} known to be irrelevant {was} passed over."


_SHOWN = 6
"""Set-aside phrases that a sentence lists of each kind."""
_ASIDE = {
    "not scored": "not scored",
    "quality": "not scored",
    "field": "a field of the form",
    "clothes": "clothes or carried",
    "body": "body and manner",
    "place": "place or time",
    "somebody else": "somebody else",
    "name": "names",
    "not worn": "not worn",
    "property": "not worn",
    "hidden": "not seen",
    "not known": "not known",
    "corrected": "taken back",
}
"""Why what is said is not searched, by kind; what people do is not told."""


_PLURALS = {"man": "men", "woman": "women"}
_MISJUDGED = {"man": 8, "woman": 9}
"""Of 100 people of the group that the network judges worst (docs/model-card.md)."""


def notice_in_words(notice: "Notice") -> str:
    """What a person at a terminal reads of a notice."""
    return NOTICES[notice.kind](notice.values)


def notice_record(notice: "Notice") -> dict[str, Any]:
    """A notice for JSON."""
    return {"kind": notice.kind, "values": _plain(notice.values), "message": notice_in_words(notice)}


def _plain(values: "Mapping[str, Any]") -> dict[str, Any]:
    """Values as JSON has them: a notice within a notice is one again."""
    from facesearch.errors import Notice

    return {name: notice_record(each) if isinstance(each, Notice) else each for name, each in values.items()}


_EXIF_NAMES = {"date": "DateTimeOriginal", "camera": "Make and Model"}


def _pairs(pairs: "Sequence[tuple[str, str]]", most: int = 4) -> str:
    told = "; ".join(f'"{one}" and "{other}"' for one, other in pairs[:most])
    return f"{told}, and others" if len(pairs) > most else told


def _stay(of: "Mapping[str, Any]") -> str:
    photos = of["photos"]
    return "the photo known there stays" if photos == 1 else f"the {photos:,} photos known there stay in the results"


def _likely() -> float:
    from facesearch.search.hits import LIKELY_FROM

    return LIKELY_FROM


def _meaning(grade: str) -> str:
    from facesearch.reliability import MEANINGS

    return MEANINGS[grade]


def person_in_words(number: int, label: str) -> str:
    """Which of several persons: "Person 2", "Person 2 (Witness B)"."""
    return f"Person {number}" if label in ("", str(number)) else f"Person {number} ({label})"


def _age(of: "Mapping[str, Any]") -> str:
    """ "An age of 50", "An age from 50 to 59"."""
    first, last = of["first"], of["last"]
    if first == last:
        return f"An age of {first}"
    return (
        f"An age from {first} on"
        if last > 110
        else f"An age up to {last}"
        if not first
        else f"An age from {first} to {last}"
    )


NOTICES: "dict[str, Callable[[Mapping[str, Any]], str]]" = {
    "versions": lambda of: (
        f"{', '.join(of['witnesses'])} differ, so each version is a person of its own: choose one with --person N."
    ),
    "in catalogue": lambda of: f"{of['catalogue']}: {notice_in_words(of['notice'])}",
    # what was read
    "pronoun": lambda of: f'The sex is taken from the pronoun: searched as "{of["sex"]}".',
    "corrected": lambda of: f'"{of["typed"]}" is read as "{of["read"]}".',
    "age": lambda of: f'The network knows no ages: "{of["words"]}" is searched as "{of["means"]}".',
    "rough": lambda of: f'"{of["words"]}" is searched as "{of["means"]}".',
    "rare": lambda of: (
        f"Hardly any face that the network learnt from has both {_pairs(of['pairs'])}: expect low scores."
    ),
    "alternative": lambda of: f'Of "{of["words"]}", faces that fit only by what is not scored are not found.',
    "reach": lambda of: f'"{of["rest"]}" is read as not denied: for neither, say "no {of["words"]} or {of["rest"]}".',
    "always": lambda _: "Every face fits this description.",
    "hedges": lambda _: "The hedged words contradict the rest or each other, so no face can fit all of them.",
    "nothing": lambda _: "Nothing in the statement can be searched.",
    "age counts": lambda of: (
        f"{_age(of)} counts as {of['word']}:{of['certainty']:g}: people who judge by sight err by 5 to 8 years, and so "
        "does the network."
    ),
    "age near the border": lambda of: (
        f'{_age(of)} does not count: from 36 to 44 years "young" and "old" cannot be told apart, so faces of either '
        "kind are found."
    ),
    "child": lambda of: (
        f"No age under {of['youngest']} can be judged: the network learnt from adults, so a child is searched as "
        '"young" and not told from adults.'
    ),
    "unfair": lambda of: (
        f"Weak and unfair: {', '.join(of['words'])}. People disagree on such words, and what the network learnt of "
        "them follows colour of skin and origin more than the face: leave them out unless they matter."
    ),
    # what was found
    "untaught": lambda of: (
        f"The network never learnt {', '.join(of['words'])}: all faces get the same probability, which says nothing "
        "about any of them; leave it out, or index with another --checkpoint."
    ),
    "weak grade": lambda of: f"Grade {of['grade']} ({_meaning(of['grade'])}): {', '.join(of['words'])}.",
    "not in EXIF": lambda of: (
        f"Of all faces in the catalogue, {counted(of['faces'], 'is in a photo', 'are in photos')} without a "
        f"{of['what']} (EXIF {_EXIF_NAMES[of['what']]}): left out."
    ),
    "EXIF not read": lambda of: (
        f"Of all photos in the catalogue, {counted(of['photos'], 'was', 'were')} indexed before "
        "date and camera were read, and left out: run `facesearch index` on their folder again."
    ),
    # the catalogue
    "no room": lambda of: (
        f"There is no room left where the catalogue {of['path']} lies: it is searched, and not changed."
    ),
    "read-only": lambda of: f"The catalogue {of['path']} or its folder is read-only: it is searched, never changed.",
    "network share": lambda of: (
        f"The catalogue {of['path']} lies on a network share ({of['system']}), where SQLite's write-ahead log is not "
        f"safe{'' if of['log'] else ' and therefore off'}: use it from one computer at a time, or keep it on a disk of "
        "this one."
    ),
    "no write-ahead log": lambda of: (
        f"SQLite's write-ahead log cannot be used where the catalogue {of['path']} lies: searches wait while an index "
        "run writes; a local disk does better."
    ),
    # what an index run met
    "no such folder": lambda of: (
        f"The folder {of['folder']} does not exist: check how it is spelled, and whether its drive is mounted."
    ),
    "not there": lambda of: (
        f"The folder {of['folder']} is not there, as if its drive were not mounted: its {of['photos']:,} photos stay "
        f"in the catalogue; mount it, say where it is now with `facesearch roots --moved {of['folder']} NEW`, or give "
        f"it up with `facesearch roots --detach {of['folder']}`."
    ),
    "unreadable": lambda of: (
        f"The folder {of['folder']} cannot be read ({of['reason']}): check its permissions and its drive."
    ),
    "a file": lambda of: (
        f"{of['folder']} is a file, and `index` takes folders: name the folder that holds it, {of['parent']}."
    ),
    "place unreadable": lambda of: (
        f"{of['folder']} cannot be read ({of['reason']}): check its permissions and whether its drive is there"
        f"{f'; {_stay(of)}' if of['photos'] else ''}."
    ),
    "suddenly empty": lambda of: (
        f"{of['folder']} is suddenly empty, as if its drive were not mounted: {_stay(of)}; if they were deleted on "
        f"purpose, {'put any file into it' if of['root'] else 'remove the empty folder'} and index again."
    ),
    "now a link": lambda of: (
        f"{of['folder']} has become a link, and links to folders are not followed: {_stay(of)}; index the folder it "
        "leads to."
    ),
    "link": lambda of: f"{of['folder']} is a link to a folder and was not followed: index the folder it leads to.",
    "vanished": lambda of: (
        f"The folder {of['folder']} is no longer there, and with it {counted(of['photos'], 'photo')} left the results: "
        "if it lies on a drive, mount it and index again."
    ),
    "no photo": lambda of: (
        f"{of['folder']} holds no photo and is not kept as a folder"
        f"{'; --everything looks into the hidden folders that it has' if of['hidden'] else ''}"
        f"{'; what is excluded was not looked at' if of['excluded'] else ''}."
    ),
    "photo": lambda of: f"{of['photo']}: {of['notice']}",
    "node lost": lambda of: f"The node {of['node']} was lost: others do its work.",
    "node set aside": lambda of: f"The node {of['node']} is given nothing more to do: {of['reason']}.",
    "slow node": lambda of: (
        f"The node {of['node']} is much slower than the others: they take over what it is late with."
    ),
    # how to ask better
    "leave out": lambda of: (
        f'Without "{of["words"]}", {counted(of["faces"], "face is", "faces are")} likely '
        f"({_likely():g} or more): {of['description']}"
    ),
    "must": lambda of: (
        f"{of['against']} of the first {of['of']} faces are judged not to be {_PLURALS[of['word']]}: --must "
        f'"{of["word"]}" puts such faces behind all others.'
    ),
}


def partial_in_words(several: "Sequence[Searched]") -> list[str]:
    """Which of several catalogues were not searched, and why; nothing where all were."""
    from cli.report.remedies import error_in_words
    from facesearch.search.several import labels

    names = labels([each.path for each in several])
    why = {each.path: error_in_words(each.problem) for each in several if each.problem is not None}
    failed = [each for each in several if each.problem is not None and not each.is_empty]
    empty = [f"{names[each.path]}: {why[each.path]}" for each in several if each.is_empty]
    if not failed:
        return empty
    which = " ".join(f"{names[each.path]} was not: {why[each.path]}" for each in failed)
    return [f"{len(several) - len(failed)} of {len(several)} catalogues were searched: {which}", *empty]


def behind_in_words(musts: Sequence[str], behind: int, *, shown: bool) -> str:
    """How many faces stand behind the others since they are judged to lack what must hold. shown: they follow."""
    faces, ending = ("1 face", "s") if behind == 1 else (f"{behind:,} faces", "")
    place = f"follow{ending}" if shown else f"stand{ending} behind all others"
    if len(musts) == 1 and musts[0] in _PLURALS:
        people, misjudged = _PLURALS[musts[0]], _MISJUDGED[musts[0]]
        errs = f"the network misjudges up to {misjudged} of 100 {people} of one group"
        return f"{faces} judged not to be {people} {place}; {errs}."
    listed = ", ".join(f'"{each}"' for each in musts)
    return f"{faces} judged not to fit {listed} {place}; the network errs, so look at them as well."


def aside_in_words(set_aside: Sequence["SetAside"], text: str, most: int = _SHOWN) -> Iterator[str]:
    """At most one sentence on what is said of looks and not searched, in kinds: "Left aside: tall, black coat (not
    scored); hat (not worn)"."""
    from facesearch.query.lexicon import lexicon
    from facesearch.query.tokens import is_picture

    kinds: dict[str, dict[str, None]] = {}
    for kind, words in _phrases(set_aside, text):
        if not (is_picture(words) or lexicon().names_something(words)):  # "his", "see"
            continue
        kinds.setdefault(kind, {})[words] = None
    told = [f"{some_of(list(words), most)} ({kind})" for kind, words in kinds.items()]
    if told:
        yield f"Left aside: {'; '.join(told)}."


def _phrases(set_aside: Sequence["SetAside"], text: str) -> Iterator[tuple[str, str]]:
    """What is set aside, neighbours with nothing but blanks between in one: "grey" and "hoodie" as "grey hoodie"."""
    open_kind, start, end = "", 0, 0
    for each in set_aside:
        kind = _ASIDE.get(each.why, "")
        if kind and kind == open_kind and not text[end : each.start].strip():
            end = max(end, each.end)
            continue
        if open_kind:
            yield open_kind, _bare(text[start:end])
        open_kind, start, end = kind, each.start, each.end
    if open_kind:
        yield open_kind, _bare(text[start:end])


def _bare(words: str) -> str:
    """The words in one line, without the article before them."""
    first, _, rest = " ".join(words.split()).partition(" ")
    return rest if rest and first.casefold() in ("a", "an", "the", "his", "her", "some") else f"{first} {rest}".strip()


def notices_on(statement: "Statement", person: int | None = None) -> "tuple[Notice, ...]":
    """The notices of a statement. person: only those on this one, or on the whole statement."""
    return tuple(each for each in statement.notices if person is None or each.person in (0, person))


def remarks_on(statement: "Statement", person: int | None = None, most: int = _SHOWN) -> tuple[str, ...]:
    """Everything that the reader of a statement should know, a sentence each. person: only what is on this one, or on
    the whole statement. most: set-aside phrases that are listed of each kind."""
    notices = map(notice_in_words, notices_on(statement, person))
    aside = [each for each in statement.set_aside if person is None or each.person in (0, person)]
    return tuple(dict.fromkeys((*notices, *aside_in_words(aside, statement.text, most))))
