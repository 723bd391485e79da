"""Find the faces in a photo folder that fit a witness's description.

>>> import facesearch
>>> with facesearch.open("faces.db") as gallery:
...     report = gallery.index("photos")
...     for hit in gallery.search("man, goatee, not bald", top=1):
...         print(hit.photo.name, hit.why)
man-goatee-1.jpg man ... % fits; goatee ... % fits, cost the most; not bald ... % fits

A hit is a lead, not evidence. Results go to dicts and, where pandas is installed, to data frames; a request is a value
that can be kept and asked again.

>>> with facesearch.open("faces.db") as gallery:
...     hits = gallery.search("woman or glasses", folder="photos", min_score=.1)
...     again = gallery.search(facesearch.Request.from_json(hits.request.to_json()))
...     like_it = gallery.similar(hits[0].face, top=3)
>>> [hit.face for hit in again] == [hit.face for hit in hits]
True
>>> sorted(hits.to_dicts()[0])[:4]
['Eyeglasses', 'Male', 'behind', 'detection']
>>> all(0 <= hit.score <= 1 for hit in like_it)
True

What is done is logged; whose case it is, and why, is said with `acting`, as a policy beside the catalogue may demand:

>>> with facesearch.open("faces.db") as gallery, facesearch.acting(facesearch.Acting(case="7/26", reason="robbery")):
...     hits = gallery.search("man", top=1)

Importing this costs next to nothing: what a name needs is imported when the name is used.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from db.catalogue import Catalogue as Catalogue
    from db.errors import CatalogueError as CatalogueError
    from db.paths import AnyPath
    from facesearch.custody.acting import Acting as Acting
    from facesearch.custody.acting import acting as acting
    from facesearch.custody.policy import PolicyError as PolicyError
    from facesearch.custody.policy import PolicyRefusal as PolicyRefusal
    from facesearch.errors import FacesearchError as FacesearchError
    from facesearch.errors import QueryError as QueryError
    from facesearch.errors import UsageError as UsageError
    from facesearch.face_gallery import FaceGallery as FaceGallery
    from facesearch.face_gallery import FoundFace as FoundFace
    from facesearch.face_gallery import FoundFaces as FoundFaces
    from facesearch.face_gallery import KnownFace as KnownFace
    from facesearch.network.scorer import Scorer
    from facesearch.search.request import Order as Order
    from facesearch.search.request import Request as Request
    from indexer.errors import IndexerError as IndexerError
    from indexer.report import Progress, RunReport

__all__ = [
    "Acting",
    "CatalogueError",
    "FaceGallery",
    "FacesearchError",
    "FoundFace",
    "FoundFaces",
    "IndexerError",
    "KnownFace",
    "Order",
    "PolicyError",
    "PolicyRefusal",
    "QueryError",
    "Request",
    "UsageError",
    "acting",
    "open",
]

_HOMES = {
    "Acting": "facesearch.custody.acting",
    "CatalogueError": "db.errors",
    "FaceGallery": "facesearch.face_gallery",
    "FacesearchError": "facesearch.errors",
    "FoundFace": "facesearch.face_gallery",
    "FoundFaces": "facesearch.face_gallery",
    "IndexerError": "indexer.errors",
    "KnownFace": "facesearch.face_gallery",
    "Order": "facesearch.search.request",
    "PolicyError": "facesearch.custody.policy",
    "PolicyRefusal": "facesearch.custody.policy",
    "QueryError": "facesearch.errors",
    "Request": "facesearch.search.request",
    "UsageError": "facesearch.errors",
    "acting": "facesearch.custody.acting",
}


def open(path: "AnyPath | Sequence[AnyPath]") -> "FaceGallery":
    """The faces of the catalogue in this file, which `FaceGallery.index` makes where there is none; or those of several
    catalogues, which are asked as one.

    Raises CatalogueError where the file, or every one of several, cannot be used as a catalogue.
    """
    from facesearch.face_gallery import FaceGallery

    return FaceGallery(path, _index_folders)


def _index_folders(
    path: Path,
    open_or_make: "Callable[[], Catalogue]",
    folders: "Sequence[AnyPath]",
    *,
    progress: "Callable[[Progress], object] | None",
    again: bool | None,
    exclude: "Sequence[str]",
    include: "Sequence[str]",
    everything: bool | None,
    quick: bool,
    device: str,
    checkpoint: "AnyPath | None",
    detector_model: "AnyPath | None",
    allow_again: bool,
    known_irrelevant: "Sequence[AnyPath]",
    known_illegal: "Sequence[AnyPath]",
    categories: "Sequence[str]",
    drop_sets: "Sequence[str]",
    stop: "threading.Event | None",
    crops: bool,
) -> "RunReport":
    """What `FaceGallery.index` does. Here alone, and nowhere else in this package, is the indexer known: the front door
    leads to all rooms."""
    import os
    from contextlib import ExitStack

    from db.crops import CropStore
    from db.paths import absolute, as_path, is_there
    from facesearch.network.checkpoint import load_checkpoint
    from facesearch.vision.detection import Look, YuNet, yunet_name
    from indexer.errors import IndexerError
    from indexer.hash_sets import known_sets
    from indexer.pipeline import index_folders
    from indexer.selection import Choice, refuse_to_write_into

    irrelevant, illegal = ([Path(os.fsdecode(each)) for each in paths] for paths in (known_irrelevant, known_illegal))
    sets = known_sets(irrelevant, illegal, categories)
    choice = Choice(everything=everything, exclude=exclude, include=include)
    network = load_checkpoint(None if checkpoint is None else as_path(os.fsencode(checkpoint)))
    if not is_there(path):  # before it is made
        refuse_to_write_into([absolute(folder) for folder in folders], path)
    model = None if detector_model is None else as_path(os.fsencode(detector_model))
    look = Look.QUICK if quick else Look.DEFAULT

    def new_scorer() -> "Scorer":
        from facesearch.network.scorer import Scorer

        return Scorer(network, device)

    with ExitStack() as stack:
        for each in sets:
            stack.enter_context(each)
        report = index_folders(
            open_or_make(),
            folders,
            model=network.scoring_model(),
            new_scorer=new_scorer,
            new_detector=lambda: YuNet(model, look),
            detector=yunet_name(model, look),
            again=again,
            choice=choice,
            allow_again=allow_again,
            sets=sets,
            crops=CropStore(path) if crops else None,
            drop_sets=drop_sets,
            progress=progress,
            stop=stop,
        )
    if report.unusable:
        notices = [each.notice for each in report.unusable]
        told = ", ".join(f"{each.values['folder']} ({each.kind})" for each in notices)
        raise IndexerError(f"Not all folders can be indexed: {told}.", notices=notices)
    return report


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("facesearch")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
