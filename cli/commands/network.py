"""The network and the detector as the options name them, for the commands that look at photos; and faces in words."""

from pathlib import Path
from typing import TYPE_CHECKING

from cli.terminal.console import say
from db.faces import where
from facesearch.network.checkpoint import Checkpoint
from facesearch.vision.detection import Look, YuNet

if TYPE_CHECKING:
    from facesearch.network.scorer import Scorer
    from facesearch.search.probe import Probe, SeenFace


def new_scorer(checkpoint: Checkpoint, device: str) -> "Scorer":
    """The network on its device, which is said. Imports torch."""
    from facesearch.network.scorer import Scorer

    scorer = Scorer(checkpoint, device)
    say(f"Network: {checkpoint.digest[:12]} on {scorer.device_name}")
    return scorer


def new_detector(model: Path | None, look: Look = Look.DEFAULT) -> YuNet:
    """The face detector. Imports cv2."""
    return YuNet(model, look)


def face_in_words(seen: "SeenFace", pages: int = 1) -> str:
    """Where it is in a file of so many pictures, and how sure the detector."""
    from cli.report.tables import place_in_words  # which loads what searches need

    face = seen.detection
    turned = f", turned {face.turned}°" if face.turned else ""
    place = place_in_words(face.box.x, face.box.y, face.box.width, face.box.height)
    return f"at {place}{where(seen.page, seen.seconds, pages)}, detection {face.score:.2f}{turned}"


def choices(probe: "Probe") -> tuple[str, ...]:
    """A line for each face of a photo, with the option that picks it."""
    pages = probe.photo.pages
    return tuple(f"  --pick {number}: {face_in_words(face, pages)}" for number, face in enumerate(probe.faces))
