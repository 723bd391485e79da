"""Small pictures of the faces of a batch, kept beside the catalogue once the faces have numbers."""

from collections.abc import Iterator, Sequence

from db import faces
from db.catalogue import Catalogue
from db.crops import CropStore, place_key
from db.values.box import Box
from indexer.items import ProcessedPhoto


def keep_small_pictures(catalogue: Catalogue, store: CropStore, photos: Sequence[ProcessedPhoto]) -> None:
    """Keep those that the workers made. Of photos with a place that is painted over none is kept: they show it."""
    made: dict[tuple[str, int], list[tuple[Box, bytes]]] = {}
    for photo in photos:
        for face in photo.faces:
            if face.small is not None:
                made.setdefault((photo.sha256, face.page), []).append((face.detection.box, face.small))
    if made:
        store.write(_numbered(catalogue, made))


def _numbered(
    catalogue: Catalogue, made: dict[tuple[str, int], list[tuple[Box, bytes]]]
) -> Iterator[tuple[int, bytes, bytes]]:
    with catalogue.read() as session:
        for (sha256, page), pictures in made.items():
            known = {box: face for face, box in faces.of_photo(session, sha256, page).items()}
            small = {known[box]: picture for box, picture in pictures if box in known}
            for each in faces.details_of_scored(session, list(small)):
                if not each.masked:
                    yield each.face, place_key(each), small[each.face]
