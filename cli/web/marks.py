"""What people said of faces in the case that is worked on, as it stands beside them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cli.web.workplace import Workplace
from db import cases
from db.values.case import Case, Mark, MarkState
from facesearch.cases.reviewing import standing_marks
from facesearch.custody.audit import actor

SHORTLIST = "Shortlist"
"""The list that a key puts a face on."""


@dataclass(frozen=True, slots=True)
class Shown:
    """marks: the one of each reviewer that counts. own: of who works here now. lists: on which the face is."""

    face: int
    marks: tuple[Mark, ...] = ()
    own: Mark | None = None
    lists: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        return self.own.state.value if self.own else ""

    @property
    def is_listed(self) -> bool:
        return SHORTLIST in self.lists


@dataclass(frozen=True, slots=True)
class Marked:
    """The faces of a page. is_open: whether marks can be made. lists: the names of the case's shortlists."""

    is_open: bool
    shown: Mapping[int, Shown]
    lists: tuple[str, ...] = ()
    states: tuple[tuple[str, str, str], ...] = (
        (MarkState.FOLLOW_UP.value, "y", "⚑"),
        (MarkState.SET_ASIDE.value, "n", "✕"),
        (MarkState.UNDECIDED.value, "u", "?"),
    )

    def of(self, face: int) -> Shown:
        return self.shown.get(face) or Shown(face)


def marked(place: Workplace, faces: Iterable[int]) -> Marked | None:
    """What was said of these faces; None where no case is worked on, or it is gone. Raises CatalogueErrors."""
    chosen = place.chosen
    if chosen is None or chosen.case is None:
        return None
    return marked_in(place, chosen.case, faces)


def marked_in(place: Workplace, case: Case, faces: Iterable[int], *, only_own: bool = False) -> Marked:
    """The same for a case. only_own: leave out what others said."""
    wanted, who = set(faces), actor()
    with place.catalogue.read() as session:
        standing = standing_marks(each for each in cases.marks(session, case.id) if each.face in wanted)
        lists = cases.shortlists(session, case.id)
    shown = {}
    for face in wanted:
        of_all = standing.get(face, {})
        marks = tuple(mark for reviewer, mark in of_all.items() if reviewer == who or not only_own)
        on = () if only_own else tuple(each.name for each in lists if face in each.faces)
        shown[face] = Shown(face, marks, of_all.get(who), on)
    return Marked(case.closed is None, shown, tuple(each.name for each in lists))
