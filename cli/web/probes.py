"""Photos that are uploaded to find faces like those in them. They are kept in memory, as long as the server runs.

The network and the detector are made when the first photo comes, and stay.
"""

import os
import secrets
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from facesearch.errors import UsageError

if TYPE_CHECKING:
    from db.catalogue import Catalogue
    from facesearch.network.scorer import Scorer
    from facesearch.search.similar import PhotoFace
    from facesearch.vision.detection import YuNet

MOST_PHOTOS = 8
"""Photos of one person in one probe."""
_MOST_PIXELS, _MOST_BYTES = 100_000_000, 64_000_000
_KEPT = 8
_PREVIEW = 1280


@dataclass(frozen=True, slots=True, eq=False)
class UploadedFace:
    """A face of an uploaded photo. number: from 1, over all photos of the probe; face: with its scores; crop: WebP;
    score: the detector's; place: its box as fractions of the photo: left, top, width, height."""

    number: int
    face: "PhotoFace"
    crop: bytes
    score: float
    place: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class UploadedPhoto:
    """name: as the browser gave it; sha256: of its content; preview: WebP, width x height; notices: clauses."""

    name: str
    sha256: str
    preview: bytes
    width: int
    height: int
    faces: tuple[UploadedFace, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Uploaded:
    """What was uploaded at once."""

    photos: tuple[UploadedPhoto, ...]

    @property
    def faces(self) -> tuple[UploadedFace, ...]:
        return tuple(face for photo in self.photos for face in photo.faces)

    def chosen(self, numbers: Sequence[int]) -> "list[PhotoFace]":
        """Raises UsageError where there is no such face."""
        by_number = {each.number: each.face for each in self.faces}
        try:
            return [by_number[number] for number in dict.fromkeys(numbers)]
        except KeyError as missing:
            raise UsageError(f"There is no face {missing} in this photo.") from None


class Probes:
    """The probes of one server, the last few."""

    def __init__(self, folder: Path, catalogues: "Callable[[], Sequence[Catalogue]]") -> None:
        """catalogues: those that may know a photo for an illegal one, which is not opened."""
        self._folder, self._catalogues = folder, catalogues
        self._lock, self._network = threading.Lock(), threading.Lock()
        self._kept: OrderedDict[str, Uploaded] = OrderedDict()
        self._looker: tuple[YuNet, Scorer, str] | None = None

    def close(self) -> None:
        self._kept.clear()

    def find(self, name: str) -> Uploaded | None:
        with self._lock:
            return self._kept.get(name)

    def take(self, photos: Sequence[tuple[str, bytes]]) -> str:
        """Look for faces in photos (name and content of each); the id under which they are found. Raises
        FacesearchError subclasses where a photo cannot be used."""
        if not photos:
            raise UsageError("No photo was chosen: choose one, drag one here, or paste one.")
        if len(photos) > MOST_PHOTOS:
            raise UsageError(f"{len(photos)} photos are too many at once: choose up to {MOST_PHOTOS} of one person.")
        looked: list[UploadedPhoto] = []
        for name, content in photos:
            looked.append(self._look(name, content, sum(len(each.faces) for each in looked) + 1))
        return self._keep(Uploaded(tuple(looked)))

    def take_known(self, faces: "Sequence[PhotoFace]") -> str:
        """The id under which faces are found that a case has kept without their photos."""
        known = tuple(
            UploadedFace(number, face, b"", 1.0, (0.0, 0.0, 0.0, 0.0)) for number, face in enumerate(faces, 1)
        )
        photo = UploadedPhoto("a photo that is not kept", faces[0].sha256, b"", 0, 0, known, ())
        return self._keep(Uploaded((photo,)))

    def _keep(self, uploaded: Uploaded) -> str:
        """Its id. The oldest go when there are many."""
        key = secrets.token_hex(8)
        with self._lock:
            self._kept[key] = uploaded
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return key

    def _look(self, name: str, content: bytes, first: int) -> UploadedPhoto:
        from PIL import Image

        from facesearch.search.probe import ProbeError, look
        from facesearch.search.similar import PhotoFace
        from facesearch.vision.decode import DecodedPhoto, Limits
        from facesearch.vision.thumbnails import SMALL, cut_small, encode_small

        shown = os.path.basename(name.replace("\\", "/"))[:100] or "the photo"  # noqa: PTH119
        with self._network, tempfile.NamedTemporaryFile(dir=self._folder, prefix="probe-") as file:
            detector, scorer, model = self._made()
            file.write(content)
            file.flush()
            try:
                limits = Limits(max_pixels=_MOST_PIXELS, max_bytes=_MOST_BYTES)
                probe = look(Path(file.name), detector, limits, catalogues=self._catalogues())
                logits = probe.logits(probe.faces, scorer)
                picture = next(each for each in probe.photo.pictures() if isinstance(each, DecodedPhoto))
            except ProbeError as error:
                raise ProbeError(str(error).replace(file.name, shown)) from None
        whole = Image.fromarray(picture.rgb)
        whole.thumbnail((_PREVIEW, _PREVIEW), Image.Resampling.LANCZOS, reducing_gap=3.0)
        preview = BytesIO()
        whole.save(preview, "WEBP", quality=82, method=2)
        faces = []
        for number, (seen, row) in enumerate(zip(probe.faces, logits, strict=True), first):
            box = seen.detection.box
            place = (
                box.x / picture.width,
                box.y / picture.height,
                box.width / picture.width,
                box.height / picture.height,
            )
            here = seen.page == picture.page
            crop = (
                cut_small(picture.rgb, box, seen.detection.turned)
                if here
                else encode_small(Image.fromarray(seen.crop).resize((SMALL, SMALL), Image.Resampling.LANCZOS))
            )
            faces.append(
                UploadedFace(
                    number,
                    PhotoFace(row, model, probe.sha256, box, seen.page),
                    crop,
                    seen.score,
                    place if here else (0.0, 0.0, 0.0, 0.0),
                )
            )
        return UploadedPhoto(
            shown, probe.sha256, preview.getvalue(), whole.width, whole.height, tuple(faces), probe.notices
        )

    def _made(self) -> "tuple[YuNet, Scorer, str]":
        if self._looker is None:
            from facesearch.network.checkpoint import load_checkpoint
            from facesearch.network.scorer import Scorer
            from facesearch.vision.detection import YuNet

            network = load_checkpoint()
            self._looker = YuNet(), Scorer(network, "auto"), network.digest
        return self._looker
