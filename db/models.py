"""Checkpoints as the catalogue knows them, and the one whose scores are searched."""

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, exists, insert, select, update
from sqlalchemy.orm import Session

from db import generation
from db.arrays import pack, unpack
from db.schema import Face, Model, Score, State
from db.values.scoring_model import ScoringModel


def register(session: Session, model: ScoringModel) -> int:
    """The id of this model's row, made if there is none with its digest. Raises ValueError on arrays of wrong shape."""
    known = session.execute(select(Model.id).where(Model.digest == model.digest)).scalar_one_or_none()
    if known is not None:
        return known
    width = len(model.attributes)
    session.execute(
        insert(Model).values(
            digest=model.digest,
            attributes=list(model.attributes),
            calibration_scale=pack(model.calibration_scale, (width,)),
            calibration_bias=pack(model.calibration_bias, (width,)),
            profile_mean=pack(model.profile_mean, (width,)),
            profile_matrix=pack(model.profile_matrix, (width, width)),
            about=model.metadata,
            registered=datetime.now(UTC),
        )
    )
    return session.execute(select(Model.id).where(Model.digest == model.digest)).scalar_one()


def load(session: Session, model_id: int) -> ScoringModel:
    """The model with this id, which must exist."""
    row = session.execute(select(Model).where(Model.id == model_id)).scalar_one()
    width = len(row.attributes)
    return ScoringModel(
        digest=row.digest,
        attributes=tuple(row.attributes),
        calibration_scale=unpack(row.calibration_scale, (width,)),
        calibration_bias=unpack(row.calibration_bias, (width,)),
        profile_mean=unpack(row.profile_mean, (width,)),
        profile_matrix=unpack(row.profile_matrix, (width, width)),
        metadata=dict(row.about),
    )


def with_digest(session: Session, digest: str) -> ScoringModel | None:
    """The model with this digest; None where it has none here."""
    model_id = session.execute(select(Model.id).where(Model.digest == digest)).scalar_one_or_none()
    return None if model_id is None else load(session, model_id)


def attribute_count(session: Session, model_id: int) -> int:
    """How many attributes this model scores (A)."""
    return len(session.execute(select(Model.attributes).where(Model.id == model_id)).scalar_one())


def serving_id(session: Session) -> int | None:
    """The id of the model whose scores searches use; None before the first one."""
    return session.execute(select(State.serving_model_id)).scalar_one()


def serving(session: Session) -> tuple[int, ScoringModel] | None:
    """That model with its id."""
    model_id = serving_id(session)
    return None if model_id is None else (model_id, load(session, model_id))


def has_scored(model_id: int) -> ColumnElement[bool]:
    """For statements about faces: whether this model has scored the face where it is now."""
    return exists().where(Score.model_id == model_id, Score.face_id == Face.id, Score.stale.is_(False))


def serve_when_complete(session: Session, model_id: int) -> bool:
    """Let searches use this model if it has scored every visible face where it is now; whether they use it now.

    Until then the former model's scores serve. The snapshot is given up with the former model.
    """
    if serving_id(session) == model_id:
        return True
    lacking = select(Face.id).where(Face.hidden.is_(False), ~has_scored(model_id)).limit(1)
    if session.execute(lacking).first() is not None:
        return False
    session.execute(update(State).values(serving_model_id=model_id, snapshot=None))
    generation.stamp(session)
    return True
