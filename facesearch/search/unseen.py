"""What a search did not see: photos and folders that nobody has looked at, photos that failed, faces without scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from db import hash_sets, others, roots, unseen
from db.catalogue import Catalogue
from db.paths import display, is_folder
from db.unseen import Why
from db.values.photo import LeftOut
from facesearch.vision.decoding.sniff import PHOTO_LABELS

_NAMED = 1000


@dataclass(frozen=True, slots=True)
class Unseen:
    """What a search did not see.

    waiting: photos that a run found and has not looked at yet, of so many `photos` that there are (0 where none waits);
    being_indexed: whether a run is at work on them. unlisted: folders in which it has not found all photos; out of
    reach: folders that it could not look into, and why; absent: indexed folders that are not there now; all as text.
    online: photos whose content is not on this machine. failed: photos that could not be used. unreadable: photos of a
    kind that this installation cannot read, by kind. unscored: faces that the network in use has not scored. illegal,
    irrelevant: photos that are of sets of known illegal, and of known irrelevant, files.
    """

    waiting: int = 0
    photos: int = 0
    being_indexed: bool = False
    unlisted: tuple[str, ...] = ()
    out_of_reach: tuple[tuple[str, Why], ...] = ()
    absent: tuple[str, ...] = ()
    online: int = 0
    failed: int = 0
    unreadable: Mapping[str, int] = field(default_factory=dict)
    unscored: int = 0
    illegal: int = 0
    irrelevant: int = 0


NOTHING_UNSEEN = Unseen()


def unseen_by_searches(catalogue: Catalogue, unscored: int = 0) -> Unseen:
    """What a search of this catalogue does not see. unscored: faces that the network in use has not scored, as its
    gallery says. Raises CatalogueError subclasses."""
    being_indexed = catalogue.is_indexed_now
    with catalogue.read() as session:
        counted = unseen.count_photos(session)
        waiting = counted.get(Why.WAITING, 0)
        known = roots.selections(session)
        folders = unseen.folders(session, _NAMED)
        known_files = hash_sets.count_recognised(session)
        return Unseen(
            waiting,
            unseen.count_all(session) if waiting else 0,
            being_indexed,
            tuple(display(path) for path, why in folders if why is Why.UNLISTED),
            tuple((display(path), why) for path, why in folders if why is not Why.UNLISTED),
            tuple(display(path) for path in known if not is_folder(path)),
            counted.get(Why.ONLINE, 0),
            unseen.count_failed(session),
            others.count_kinds(session, PHOTO_LABELS),
            unscored,
            known_files.get(LeftOut.KNOWN_ILLEGAL, 0),
            known_files.get(LeftOut.KNOWN_IRRELEVANT, 0),
        )
