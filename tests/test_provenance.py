"""What a checkpoint says of the data that made it, through all the runs that led to it."""

import dataclasses
from pathlib import Path

import pytest

from facesearch.network.checkpoint import Checkpoint, load_checkpoint
from facesearch.training.datasets import Labels, Role, read_celeba
from facesearch.training.provenance import Learnt, cautions, continued, history, learnt_roles, metadata, other_splits
from tests.support.labelled import celeba, noise

FITTED = (Role.VAL,)


@pytest.fixture
def labels(tmp_path: Path) -> Labels:
    """Four images each of train, val, calibrate and test."""
    return read_celeba(celeba(tmp_path / "celeba", [noise(32, 32)] * 16, [0] * 4 + [1] * 8 + [2] * 4))


def begun(checkpoint: Path, **about: object) -> Checkpoint:
    known = load_checkpoint(checkpoint)
    return dataclasses.replace(known, metadata={**known.metadata, **about})


def after(start: Checkpoint | None, labels: Labels, *roles: Role, checkpoint: Path) -> Checkpoint:
    return begun(checkpoint, **metadata(continued(start, labels, roles, FITTED)))


def other(labels: Labels) -> Labels:
    """The same images but for the last, as a later edition of the data set might have them."""
    return dataclasses.replace(
        labels,
        names=labels.names[:-1],
        labels=labels.labels[:-1],
        identities=labels.identities[:-1],
        roles=labels.roles[:-1],
    )


def elsewhere(labels: Labels) -> Labels:
    from facesearch.training.datasets import Dataset

    return dataclasses.replace(labels, dataset=Dataset.LFWA)


def test_roles_of_all_runs_on_the_same_data_count_as_learnt(labels: Labels, checkpoint: Path) -> None:
    first = after(None, labels, Role.TRAIN, checkpoint=checkpoint)
    second = after(first, labels, Role.EXTRA, checkpoint=checkpoint)
    assert learnt_roles(second, labels) == ["train", "extra"]
    assert second.metadata["trained_on"] == "train + extra"


def test_a_network_that_is_only_fitted_to_other_data_was_not_trained_on_it(labels: Labels, checkpoint: Path) -> None:
    trained = after(None, elsewhere(labels), Role.TRAIN, checkpoint=checkpoint)
    fitted = after(trained, labels, checkpoint=checkpoint)
    assert learnt_roles(fitted, labels) == []
    assert learnt_roles(fitted, elsewhere(labels)) == ["train"]
    assert fitted.metadata["trained_on"] == f"train of {elsewhere(labels).in_words()}"
    assert cautions(fitted, labels, Role.TRAIN) == []
    assert "trained on the images of role train" in cautions(fitted, elsewhere(labels), Role.TRAIN)[0]


def test_what_the_start_was_fitted_on_is_fitted_anew_and_no_longer_counts(labels: Labels, checkpoint: Path) -> None:
    first = after(None, labels, Role.TRAIN, checkpoint=checkpoint)
    assert "fitted" in cautions(first, labels, Role.VAL)[0]
    again = begun(checkpoint, **metadata(continued(first, labels, (), (Role.CALIBRATE,))))
    assert cautions(again, labels, Role.VAL) == []
    assert "fitted" in cautions(again, labels, Role.CALIBRATE)[0]


def test_a_start_that_saw_the_data_in_other_roles_is_still_told_after_another_run(
    labels: Labels, checkpoint: Path
) -> None:
    first = after(None, other(labels), Role.TRAIN, checkpoint=checkpoint)
    second = after(first, labels, Role.TRAIN, checkpoint=checkpoint)
    for network in (first, second):
        (said,) = cautions(network, labels, Role.TEST)
        assert other(labels).in_words() in said and "may flatter" in said
        assert other_splits(network, labels) == [said]


def test_what_an_older_checkpoint_says_in_sentences_is_understood(labels: Labels, checkpoint: Path) -> None:
    old = begun(
        checkpoint,
        data=labels.in_words(),
        trained_on="train + val",
        aux_and_calibration="AUX on calibrate + extra (pull to the identity 3.0), calibration on calibrate",
    )
    assert history(old) == (Learnt(labels.in_words(), ("train", "val"), ("calibrate", "extra")),)


def test_a_start_that_does_not_name_what_it_learnt_is_said_to_be_unknown(labels: Labels, checkpoint: Path) -> None:
    fitted = after(load_checkpoint(checkpoint), labels, checkpoint=checkpoint)
    assert fitted.metadata["trained_on"] == "data that it does not name"
