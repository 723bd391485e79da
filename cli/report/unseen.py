"""What a search did not see, in sentences with the remedy: the one form for terminal, JSON, pages and `status`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cli.report.wording import counted, recognised_in_words
from db.unseen import Why

if TYPE_CHECKING:
    from facesearch.search.unseen import Unseen

_NAMED = 3
"""Folders that are named; the others are counted."""


def unseen_in_words(unseen: "Unseen") -> list[str]:
    """A sentence for each sort of what was not seen; none where everything was."""
    return list(_sentences(unseen))


def unseen_record(unseen: "Unseen") -> dict[str, Any]:
    """What was not seen, for JSON."""
    return {
        "photos_waiting": unseen.waiting,
        "being_indexed": unseen.being_indexed,
        "folders": [
            *({"folder": path, "why": Why.UNLISTED.value} for path in unseen.unlisted),
            *({"folder": path, "why": "not there"} for path in unseen.absent),
            *({"folder": path, "why": why.value} for path, why in unseen.out_of_reach),
        ],
        "photos_online_only": unseen.online,
        "photos_failed": unseen.failed,
        "photos_of_unread_formats": dict(unseen.unreadable),
        "faces_not_scored": unseen.unscored,
        "photos_known_illegal": unseen.illegal,
        "photos_known_irrelevant": unseen.irrelevant,
    }


def _sentences(unseen: "Unseen") -> Iterator[str]:
    if unseen.waiting:
        have = "has" if unseen.waiting == 1 else "have"
        on = (
            "an index run is at work on them"
            if unseen.being_indexed
            else "the index run was stopped; `facesearch index` goes on"
        )
        yield f"{unseen.waiting:,} of {counted(unseen.photos, 'photo')} {have} not been looked at yet: {on}."
    if unseen.unlisted:
        yield _of_folders(
            unseen.unlisted,
            "is being searched for photos" if unseen.being_indexed else "was not searched for photos to its end",
            "are being searched for photos" if unseen.being_indexed else "were not searched for photos to their end",
            "" if unseen.being_indexed else "; `facesearch index` goes on",
        )
    if unseen.absent:
        yield _of_folders(
            unseen.absent,
            "is not there now, so what is new in it was not looked at",
            "are not there now, so what is new in them was not looked at",
            ": mount the drive and run `facesearch index`, or say where it is with `facesearch roots --moved OLD NEW`",
        )
    for why, one, several in _OUT_OF_REACH:
        if paths := [path for path, reason in unseen.out_of_reach if reason is why]:
            yield _of_folders(paths, one, several, "")
    if unseen.online:
        yield f"{counted(unseen.online, 'photo')} not looked at: the content is only online; download it first."
    if unseen.failed:
        yield f"{counted(unseen.failed, 'photo')} failed: `facesearch status --failures` says why."
    if unseen.unreadable:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in unseen.unreadable.items())
        heic = "; HEIC needs one more package: pip install 'facesearch[heic]'" if "HEIC" in unseen.unreadable else ""
        yield f"Photos that this installation cannot read: {kinds}{heic}."
    if unseen.unscored:
        are, lack = ("is", "it lacks") if unseen.unscored == 1 else ("are", "they lack")
        yield (
            f"{counted(unseen.unscored, 'face')} {are} not searched: {lack} scores of the network in use; "
            "`facesearch index` makes up for it."
        )
    yield from recognised_in_words(unseen.illegal, unseen.irrelevant)


_OUT_OF_REACH = (
    (Why.UNREADABLE, "could not be read", "could not be read"),
    (Why.EMPTY, "was suddenly empty, as if a drive were not mounted", "were suddenly empty, as if not mounted"),
    (Why.LINK, "is a link and was not followed", "are links and were not followed"),
)


def _of_folders(paths: "tuple[str, ...] | list[str]", one: str, several: str, remedy: str) -> str:
    if len(paths) == 1:
        return f"The folder {paths[0]} {one}{remedy}."
    more = f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
    return f"The folders {', '.join(paths[:_NAMED])}{more} {several}{remedy}."
