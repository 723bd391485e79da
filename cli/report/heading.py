"""What stands above a result, whatever form it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facesearch.attributes import Attribute
from facesearch.errors import Notice
from facesearch.query import Query

if TYPE_CHECKING:
    from cli.report.page import Panel, Picture


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a result. kind, title, facts, probe, photo, panels, hits_title: as in `Page`; score: heading of
    its column.

    attributes: what was asked for, each once, in order of appearance: the columns that CSV and JSON have. query: the
    description that was searched for; reading: how it and the filters beside it were read. like: whom the faces
    resemble, where they were found by a face. remarks: on what was asked for, a sentence each; notices: those of them
    that are told as kinds. again: the options
    with which a changed description is searched alike. expects: whether to
    say how many faces are expected to fit. fades: whether a low score says that a hit is unlikely, so that it stands
    back; after an interview every score is low, and that of a similarity says something else.
    """

    kind: str
    title: str
    score: str
    facts: Sequence[tuple[str, str]]
    probe: "Picture | None" = None
    photo: "Picture | None" = None
    attributes: tuple[Attribute, ...] = ()
    query: Query | None = None
    reading: str = ""
    like: str = ""
    remarks: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    again: Mapping[str, Sequence[str]] = field(default_factory=dict)
    expects: bool = False
    fades: bool = False
    panels: "Sequence[Panel]" = ()
    hits_title: str = ""
