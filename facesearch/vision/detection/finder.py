"""Finding every face of a photo, whatever its size and direction, once each.

A survey of the photo in several sizes and turns notes every place where something may be a face; a closer look at each
decides. Nothing that the survey alone saw counts.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.values.box import Box
from facesearch.errors import on_one_line
from facesearch.vision.detection.closer import FULL, FULLER, GLANCE, gain_for, gain_for_shadows, look_closer
from facesearch.vision.detection.copies import SMALL, Copy, Part, Pyramid, parts, plan_copies
from facesearch.vision.detection.detector import SEARCH_FROM, STORE_FROM, Detection, DetectorError, Look, detector_name
from facesearch.vision.detection.geometry import (
    intersection,
    iou,
    longer_side,
    move,
    rescale,
    suppress,
    turn,
    turn_back,
)
from facesearch.vision.detection.yunet import NMS_IOU, Network, bundled_model, read_model

_PLACE_FROM = 0.2  # score in the survey from which a place gets a closer look ...
_SPECK_FROM = {Look.DEFAULT: 0.1, Look.QUICK: 0.15}  # ... in the finest copy, upright: the smallest faces are specks
_CERTAIN_FROM = (
    0.9  # a face that is seen upright from here on is upright; one that is seen turned counts from here on ...
)
_TURNED_FROM = SEARCH_FROM  # ... or from here on, in a photo in which a certain one lies the same way
_UPRIGHT_BONUS = 0.02
_PART_INSIDE = 0.6  # share of a box that lies in another one's from which it may be a part of that face ...
_PART_SIZE = 0.6  # ... if it is smaller than this
_GLANCE_ERRS = 0.2  # by which a glance may be below the full look
_MOST_PLACES = 5000
_LEAST_SIZE = 10.0  # pixels of the photo: what is smaller has too few to be told from noise


class YuNet:
    """YuNet as it is used on photos."""

    def __init__(self, model: Path | None = None, look: Look = Look.DEFAULT) -> None:
        """model: another YuNet file (.onnx) instead of the bundled one. Raises DetectorError when it cannot be
        loaded."""
        path = model or bundled_model()
        content = read_model(path)
        try:
            self._network = Network(content)
        except ValueError as e:
            raise DetectorError(f"The face detector {path} is not a YuNet model.", "detector file", path=path) from e
        self.look = look
        self.name = detector_name(hashlib.sha256(content).hexdigest(), look)

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """See Detector.detect. Raises DetectorError, or MemoryError."""
        try:
            return [sorted(self._detect_one(image), key=lambda d: (d.box.x, d.box.y)) for image in images]
        except (DetectorError, MemoryError):
            raise
        except Exception as e:  # OpenCV's and ONNX Runtime's have no common base but this one
            raise DetectorError(
                f"The face detector failed on a picture ({on_one_line(e)}): try a copy in another size."
            ) from e

    def _detect_one(self, image: NDArray[np.uint8]) -> list[Detection]:
        height, width = image.shape[:2]
        photo, copies, gain = Pyramid(image), plan_copies(width, height, self.look), gain_for(image)
        places = self._survey(photo, copies, 1.0)
        small = max(width, height) <= SMALL
        settled = _as_training_finds(places) if small else []
        if gain > 1:  # lit faces before the dark are burnt out in what is brightened
            places = _best_by_turn(places + self._survey(photo, copies, gain))
        else:
            places += self._survey_shadows(photo, copies if small else copies[1:], gain_for_shadows(image), places)
        found = self._look_at(photo, _apart(places, settled), settled)
        found += self._look_finer_turned(photo, copies, gain, settled + found)
        return settled + _one_box_a_face(_apart(_in_company(found), settled))

    def _survey_shadows(
        self, photo: Pyramid, copies: Sequence[Copy], gain: float, known: Sequence[Detection]
    ) -> list[Detection]:
        """The places in the shadows of a light photo, beside those that are known."""
        if gain <= 1:
            return []
        upright = [replace(copy, turns=(0,)) for copy in copies if 0 in copy.turns]
        return _apart(self._survey(photo, upright, gain), known)

    def _look_finer_turned(
        self, photo: Pyramid, copies: Sequence[Copy], gain: float, known: Sequence[Detection]
    ) -> list[Detection]:
        """The faces that lie as one that is known does. A photo that lies on its side shows all its faces so: of what
        one look turned has found, finer ones may find more."""
        lies = _directions(known)
        finer = [replace(copy, turns=tuple(sorted(lies - {*copy.turns}))) for copy in copies]
        if not any(copy.turns for copy in finer):
            return []
        places = [d for each in sorted({1.0, gain}) for d in self._survey(photo, finer, each)]
        return self._look_at(photo, _apart(_best_by_turn(places), known), known)

    def _look_at(self, photo: Pyramid, places: list[Detection], known: Sequence[Detection]) -> list[Detection]:
        """The faces at these places, beside those that are known."""
        found: list[Detection] = []
        certain = [face for face in known if face.score >= _CERTAIN_FROM]
        # From large to small, so that what belongs to a face is known when its nose and chin are come upon; upright
        # ones first, since they are the rule.
        for place in sorted(places, key=lambda d: (d.turned != 0, -longer_side(d.box)))[:_MOST_PLACES]:
            if not any(_is_part(place, face) for face in certain):
                faces = self._faces_at(photo, place)
                certain += [face for face in faces if face.score >= _CERTAIN_FROM]
                found += faces
        return found

    def _survey(self, photo: Pyramid, copies: Sequence[Copy], gain: float) -> list[Detection]:
        """Every place where something may be a face, in pixels of the photo; of one face, one place in each turn.

        gain: factor by which the copies are brightened.
        """
        places: list[Detection] = []
        for plan in copies:
            copy = photo.copy(plan.width, plan.height)
            for turned in plan.turns:
                least = _SPECK_FROM[self.look] if plan.specks and not turned else _PLACE_FROM
                seen = self._look_by_parts(turn(copy, turned), least, gain)
                back = (turn_back(d, turned, (plan.width, plan.height)) for d in seen)
                places += [rescale(d, photo.width / plan.width, photo.height / plan.height) for d in back]
        return _best_by_turn(d for d in places if longer_side(d.box) >= _LEAST_SIZE)

    def _look_by_parts(self, picture: NDArray[np.uint8], least: float, gain: float) -> Iterator[Detection]:
        """What may be faces in a picture. One on the edge of a part is left to the next part, which sees it whole."""
        for part in parts(picture):
            for d in self._network.detect(part.pixels, least, gain):
                if not _is_cut_off(d, part):
                    yield move(d, part.left, part.top)

    def _faces_at(self, photo: Pyramid, place: Detection) -> list[Detection]:
        """What a closer look at a place makes of it: none, or a face; or several, where it was not certain which way
        up the face is."""
        face = self._face_at(photo, place)
        if face is None or place.turned or face.score >= _CERTAIN_FROM:
            return [face] if face else []
        turned = (self._face_at(photo, replace(face, turned=turned)) for turned in (90, 180, 270))
        return [face, *(each for each in turned if each)]

    def _face_at(self, photo: Pyramid, place: Detection) -> Detection | None:
        least = _TURNED_FROM if place.turned else STORE_FROM
        glance = place if place.score >= SEARCH_FROM else look_closer(self._network, photo, place, GLANCE)
        if glance is None or glance.score < least - _GLANCE_ERRS:
            return None
        face = look_closer(self._network, photo, glance, FULL)
        if face is None or face.score < least or longer_side(face.box) < _LEAST_SIZE:
            return None
        again = look_closer(self._network, photo, face, FULLER)
        return replace(face, box=_mean(face.box, again.box)) if again else face


def _as_training_finds(places: Iterable[Detection]) -> list[Detection]:
    """The faces of a small photo that training learns from: those that stand out in the one copy that is looked at, and
    turned ones only where none is certain. They keep their boxes, so that a network is used on what it has learnt."""
    clear = [d for d in places if d.score >= STORE_FROM]
    upright = [d for d in clear if d.turned == 0]
    return upright if any(d.score >= _CERTAIN_FROM for d in upright) else suppress(clear, NMS_IOU, _UPRIGHT_BONUS)


def _best_by_turn(places: Iterable[Detection]) -> list[Detection]:
    """Of the places of one face, the best in each turn."""
    seen = list(places)
    by_turn = ([d for d in seen if d.turned == turned] for turned in (0, 90, 180, 270))
    return [d for some in by_turn for d in suppress(some, NMS_IOU)]


def _apart(some: Iterable[Detection], others: Sequence[Detection]) -> list[Detection]:
    """Those that overlap none of the others."""
    return [d for d in some if not any(iou(d.box, face.box) > NMS_IOU for face in others)]


def _directions(faces: Iterable[Detection]) -> set[int]:
    """The ways in which faces of a photo lie for certain."""
    return {face.turned for face in faces if face.turned and face.score >= _CERTAIN_FROM}


def _in_company(found: Sequence[Detection]) -> list[Detection]:
    """The upright ones, and of the turned ones those that are certain or lie as a certain one does."""
    lies = _directions(found)
    return [d for d in found if not d.turned or d.turned in lies]


def _one_box_a_face(found: Sequence[Detection]) -> list[Detection]:
    kept = suppress(found, NMS_IOU, _UPRIGHT_BONUS)
    return [d for d in kept if not any(_is_part(d, face) for face in kept if face.score >= SEARCH_FROM)]


def _is_part(d: Detection, face: Detection) -> bool:
    """Whether what was found is a part of this face, as a nose or a chin that looks like one."""
    if longer_side(d.box) >= _PART_SIZE * longer_side(face.box):
        return False
    return intersection(d.box, face.box) >= _PART_INSIDE * d.box.width * d.box.height


def _is_cut_off(d: Detection, part: Part) -> bool:
    """Whether a face touches an edge of the part beyond which the copy goes on."""
    b, (height, width) = d.box, part.pixels.shape[:2]
    touches = (b.x <= 0, b.y <= 0, b.x + b.width >= width, b.y + b.height >= height)
    return any(edge and goes_on for edge, goes_on in zip(touches, part.goes_on, strict=True))


def _mean(a: Box, b: Box) -> Box:
    return Box((a.x + b.x) / 2, (a.y + b.y) / 2, (a.width + b.width) / 2, (a.height + b.height) / 2)
