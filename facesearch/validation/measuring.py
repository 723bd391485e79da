"""The use case: a sample and two people's answers give the figures of the network that searches go by now."""

from importlib.metadata import version

import numpy as np

from db import faces, validations
from db.catalogue import Catalogue
from db.matching import match
from db.validations import Measured
from db.values.scoring_model import calibrate
from facesearch.attributes import NAMES
from facesearch.custody.audit import log
from facesearch.custody.policy import permit
from facesearch.search.hits import gallery_of
from facesearch.validation.agreement import Agreement, compare
from facesearch.validation.answers import Answers
from facesearch.validation.sample import Sample, ValidationError
from facesearch.validation.standing import Use
from facesearch.vision.decode import decoder_name


def measure(
    catalogue: Catalogue, sample: Sample, people: tuple[Answers, Answers], detector: str
) -> tuple[Agreement, Measured]:
    """Compare, and keep the statement in the catalogue, bound to network, version, decoder and detector. It is logged.

    detector: name of the one in use. Raises SearchError where nothing is indexed, ValidationError where the catalogue
    is another one or no word is finished, PolicyRefusal, and CatalogueError subclasses, CatalogueReadOnly among them.
    """
    policy = permit(catalogue)
    gallery = gallery_of(catalogue)
    held = set(gallery.face_ids.tolist())
    known = [each.face for each in sample.faces if each.face in held]
    with catalogue.read() as session:
        now = {each.face: each for each in faces.details(session, known, model_id=gallery.model_id)}
    there = np.zeros(len(sample.faces), np.bool_)
    logits, sizes = np.zeros((len(there), len(NAMES)), np.float32), np.zeros(len(there))
    for place, drawn in enumerate(sample.faces):
        face = now.get(drawn.face)
        if face is not None and face.sha256 == drawn.sha256 and match([face.box], [drawn.box]):
            there[place], logits[place], sizes[place] = True, face.logits, face.size
    if not there.any():
        raise ValidationError("The catalogue holds none of the drawn faces.", "sample of another catalogue")
    model = gallery.model
    p = calibrate(logits, model.calibration_scale, model.calibration_bias)
    agreement = compare(sample, people, p, sizes, there)
    use = used(model.digest, detector)
    drawn_from = {"key": sample.key, "seed": sample.seed, "min_detection": sample.min_detection}
    statement = {"sample": {**drawn_from, "of_faces": sample.of_faces}, **agreement.as_json()}
    measured = Measured(use.model, use.version, use.decoder, use.detector, statement)
    with catalogue.write() as session:
        validations.record(session, measured)
    said = {"step": "statement", "key": sample.key, "people": [each.name for each in people], "model": model.digest}
    log(catalogue, "validate", said, policy)
    return agreement, measured


def used(model: str, detector: str) -> Use:
    """What answers now. model: digest of the network. detector: name of the one in use."""
    return Use(model, version("facesearch"), decoder_name(), detector)
