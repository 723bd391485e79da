"""Catalogues of many invented faces with the real attributes, and questions about them drawn at random."""

import hashlib
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from db import models, photos, roots
from db.catalogue import open_catalogue
from db.faces import FaceRecord
from db.photos import FileRecord, PhotoRecord
from db.provenance import Provenance
from db.values.box import Box
from db.values.photo import Outcome, PhotoFacts
from db.values.photo_filter import PhotoFilter
from db.values.scoring_model import ScoringModel
from facesearch.attributes import NAMES
from facesearch.query import Query
from facesearch.query.tree import Node, Term, Threshold, all_of, any_of, hedge, negate, parts_of
from facesearch.search.request import Order, Request

CAMERAS = ("", "Canon EOS 80D", "NIKON D5", "Straße Cam 1", "O'Brien's")
FOLDERS = ("holiday/2019", "holiday/2020", "été", "work", "a'b", "")


def crowd_model(name: str = "crowd") -> ScoringModel:
    """A model with a calibration of its own."""
    generator = np.random.default_rng(40)
    width = len(NAMES)
    return ScoringModel(
        digest=hashlib.sha256(name.encode()).hexdigest(),
        attributes=NAMES,
        calibration_scale=generator.uniform(0.5, 1.5, width).astype(np.float32),
        calibration_bias=generator.normal(0, 0.5, width).astype(np.float32),
        profile_mean=generator.normal(size=width).astype(np.float32),
        profile_matrix=np.eye(width, dtype=np.float32),
        metadata={},
    )


def make_crowd(path: Path, count: int, *, seed: int = 0, root: str = "/photos", name: str = "crowd") -> Path:
    """A catalogue of so many photos with one to three faces each, some of them alike to the last bit; every tenth photo
    lies in two places, one has a name that is no UTF-8."""
    random = np.random.default_rng(seed)
    model = crowd_model(name)
    twin = random.normal(0, 3, len(NAMES)).astype(np.float32)
    files = []
    for number in range(count):
        digest = hashlib.sha256(f"{seed} {number}".encode()).hexdigest()
        taken = datetime(2018, 1, 1) + timedelta(hours=int(random.integers(0, 30_000)))
        faces = []
        for _ in range(int(random.integers(1, 4))):
            logits = twin if random.random() < 0.02 else random.normal(0, 3, len(NAMES)).astype(np.float32)
            width, height = random.uniform(10, 300, 2)
            box = Box(*random.uniform(0, 500, 2), width, height)
            faces.append(FaceRecord(box, float(random.uniform(0.6, 1)), np.zeros((5, 2), np.float32), logits))
        content = PhotoRecord(
            digest,
            1000 + number,
            Outcome.INDEXED,
            Provenance("1", "d" * 64),
            facts=PhotoFacts(
                width=800,
                height=800,
                format="JPEG",
                taken=taken if random.random() < 0.7 else None,
                camera=str(random.choice(CAMERAS)),
            ),
            faces=tuple(faces),
        )
        folder = str(random.choice(FOLDERS))
        path_in_root = f"{folder}/{number}.jpg".lstrip("/").encode()
        files.append(FileRecord(path_in_root, content.size, 10**18, content))
        if number % 10 == 3:
            files.append(FileRecord(b"copies/" + path_in_root, content.size, 10**18, content))
        if number == 5:
            files.append(FileRecord(b"no \xff text/5.jpg", content.size, 10**18, content))
    with open_catalogue(path, create=True) as catalogue, catalogue.write() as session:
        model_id = models.register(session, model)
        assert models.serve_when_complete(session, model_id)
        root_id = roots.add_root(session, root)
        photos.record(session, root_id, files, model_id=model_id)
    return path


def random_request(seed: int) -> Request:
    """Any description with hedges, alternatives, denials, ages, bounds, musts and filters, as far as SQL says them."""
    random = np.random.default_rng(seed)
    tree = all_of(_part(random, 2) for _ in range(int(random.integers(1, 7))))
    parts = parts_of(tree)
    musts = tuple(each for each in parts if random.random() < 0.15)
    bounds = tuple(
        Threshold(
            int(random.integers(40)),
            [">", ">=", "<", "<="][int(random.integers(4))],  # type: ignore[arg-type]
            float(random.choice([0.05, 0.5, 0.9, random.random()])),
            bool(random.integers(2)),
        )
        for _ in range(int(random.integers(0, 3)) if random.random() < 0.4 else 0)
    )
    return Request(
        query=Query("", tree, thresholds=bounds, musts=musts),
        photo=_photos(random) if random.random() < 0.4 else PhotoFilter(),
        min_score=float(random.choice([0.0, 0.0, 0.01, 0.2])),
        min_detection=float(random.choice([0.6, 0.8, 0.8, 0.9])),
        min_face=float(random.choice([0.0, 0.0, 50.0])),
        order=Order.SCORE if random.random() < 0.3 else Order.WITNESS,
    )


def _part(random: np.random.Generator, depth: int) -> Node:
    if depth == 0 or random.random() < 0.5:
        years = (30, 30) if random.random() < 0.1 else None
        found: Node = Term(39, bool(random.integers(2)), years) if years else _term(random)
    else:
        children = [_part(random, depth - 1) for _ in range(int(random.integers(2, 4)))]
        found = any_of(children) if random.random() < 0.7 else all_of(children)
    if random.random() < 0.15:
        found = negate(found)
    if random.random() < 0.25:
        found = hedge(found, float(random.choice([0.5, 0.8, round(random.random(), 3)])))
    return found


def _term(random: np.random.Generator) -> Term:
    return Term(int(random.integers(40)), bool(random.integers(2)))


def _photos(random: np.random.Generator) -> PhotoFilter:
    folders = ("holiday", "/photos/holiday/2019", "/photos", "photos/work", "./été/", "a'b", "oliday", "/", "copies")
    cameras = ("canon", "STRASSE", "o'brien's", "d5", "leica")
    year = int(random.integers(2018, 2022))
    return PhotoFilter(
        tuple(str(each) for each in random.choice(folders, int(random.integers(0, 3)))),
        (),
        date(year, 3, 1) if random.random() < 0.4 else None,
        date(year, 9, 30) if random.random() < 0.4 else None,
        tuple(str(each) for each in random.choice(cameras, int(random.integers(0, 3)))),
    )
