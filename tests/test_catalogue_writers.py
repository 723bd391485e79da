"""Several who read and write one catalogue, and those that are killed while they do."""

import signal
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db import generation, photos
from db.catalogue import open_catalogue
from db.errors import (
    CatalogueBusy,
    CatalogueFull,
    CatalogueReadOnly,
)
from tests.support.catalogues import file, index, new_catalogue, photo
from tests.support.processes import face_count, in_another_process

pytestmark = pytest.mark.slow


def test_an_error_in_a_write_leaves_nothing_of_it(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    with pytest.raises(RuntimeError), catalogue.write() as session:
        photos.record(session, root_id, [file(b"1.jpg", photo(1))], model_id=model_id)
        raise RuntimeError
    assert face_count(catalogue) == 0
    with catalogue.read() as session:
        assert generation.current(session) == 1  # the one in which the model came to serve
    catalogue.close()


def test_a_mistake_of_the_program_is_not_blamed_on_the_catalogue(tmp_path: Path) -> None:
    with (
        open_catalogue(tmp_path / "faces.db", create=True) as catalogue,
        pytest.raises(IntegrityError),
        catalogue.write() as session,
    ):
        session.execute(text("UPDATE state SET id = 2"))


def test_rows_that_refer_to_nothing_are_refused(tmp_path: Path) -> None:
    catalogue, _, _ = new_catalogue(tmp_path / "faces.db")
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), catalogue.write() as session:
        session.execute(text("UPDATE state SET serving_model_id = 99"))
    catalogue.close()


def test_a_reader_sees_one_state_throughout_and_does_not_hinder_a_writer(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    index(catalogue, root_id, model_id, [1])
    with open_catalogue(tmp_path / "faces.db") as reader, reader.read() as session:
        assert photos.counts(session).faces == 1
        index(catalogue, root_id, model_id, [2])
        assert photos.counts(session).faces == 1
    assert face_count(catalogue) == 2
    catalogue.close()


def test_a_read_session_cannot_write(tmp_path: Path) -> None:
    with (
        open_catalogue(tmp_path / "faces.db", create=True) as catalogue,
        pytest.raises(CatalogueReadOnly),
        catalogue.read() as session,
    ):
        session.execute(text("UPDATE state SET generation = 5"))
    with open_catalogue(tmp_path / "faces.db") as catalogue, catalogue.read() as session:
        assert generation.current(session) == 0


HOLD_THE_PEN = """
import sys
from db.catalogue import open_catalogue
with open_catalogue(sys.argv[1]) as catalogue, catalogue.write():
    print("holding", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_waits_and_then_gives_up_with_a_sentence_while_readers_go_on(tmp_path: Path) -> None:
    new_catalogue(tmp_path / "faces.db")[0].close()
    other = in_another_process(HOLD_THE_PEN, tmp_path / "faces.db", wait_for="holding")
    with open_catalogue(tmp_path / "faces.db", busy_seconds=0.05) as catalogue:
        with pytest.raises(CatalogueBusy, match="Another process is writing"), catalogue.write():
            pass
        assert face_count(catalogue) == 0
        other.communicate()
        with catalogue.write():
            pass


HOLD_THE_INDEX = """
import os, sys
from db.catalogue import open_catalogue
with open_catalogue(sys.argv[1]) as catalogue, catalogue.indexing():
    if len(sys.argv) > 2 and not os.fork():
        sys.stdin.read()
        os._exit(0)
    print("indexing", flush=True)
    sys.stdin.read()
"""


def test_a_second_index_run_is_told_that_there_is_one_and_searches_are_not_hindered(tmp_path: Path) -> None:
    new_catalogue(tmp_path / "faces.db")[0].close()
    other = in_another_process(HOLD_THE_INDEX, tmp_path / "faces.db", wait_for="indexing")
    with open_catalogue(tmp_path / "faces.db") as catalogue:
        with pytest.raises(CatalogueBusy, match="Another index run"), catalogue.indexing():
            pass
        assert face_count(catalogue) == 0
        other.communicate()
        with catalogue.indexing():
            pass


def test_two_index_runs_in_one_process_exclude_each_other_too(tmp_path: Path) -> None:
    with open_catalogue(tmp_path / "faces.db", create=True) as one, open_catalogue(tmp_path / "faces.db") as other:
        with one.indexing(), pytest.raises(CatalogueBusy), other.indexing():
            pass
        with other.indexing():
            pass


def test_a_killed_index_run_leaves_no_lock_even_if_a_worker_of_it_lives_on(tmp_path: Path) -> None:
    new_catalogue(tmp_path / "faces.db")[0].close()
    other = in_another_process(HOLD_THE_INDEX, tmp_path / "faces.db", "with a worker", wait_for="indexing")
    other.send_signal(signal.SIGKILL)
    other.wait(60)
    with open_catalogue(tmp_path / "faces.db") as catalogue, catalogue.indexing():
        pass
    other.communicate()  # closes the worker's input, which ends it


WRITE_AND_DIE = """
import os, signal, sys
from tests.support.catalogues import file, index, photo
from db import photos
from db.catalogue import open_catalogue
catalogue = open_catalogue(sys.argv[1])
index(catalogue, 1, 1, range(300))
with catalogue.write() as session:
    photos.record(session, 1, [file(b"x%d" % n, photo(1000 + n)) for n in range(300)], model_id=1)
    print("half-way", flush=True)
    sys.stdin.read()
"""


def test_a_process_killed_while_writing_leaves_the_last_whole_batch(tmp_path: Path) -> None:
    new_catalogue(tmp_path / "faces.db")[0].close()
    other = in_another_process(WRITE_AND_DIE, tmp_path / "faces.db", wait_for="half-way")
    other.send_signal(signal.SIGKILL)
    other.wait(60)
    with open_catalogue(tmp_path / "faces.db", busy_seconds=1) as catalogue:
        assert face_count(catalogue) == 300
        index(catalogue, 1, 1, [500])
        assert face_count(catalogue) == 301


def test_a_full_disk_is_said_and_what_stood_before_stays(tmp_path: Path) -> None:
    catalogue, root_id, model_id = new_catalogue(tmp_path / "faces.db")
    index(catalogue, root_id, model_id, range(10))
    with catalogue.write() as session:
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
        session.execute(text(f"PRAGMA max_page_count = {pages + 5}"))
    with pytest.raises(CatalogueFull, match="free some space"):
        index(catalogue, root_id, model_id, range(1000, 3000))
    assert face_count(catalogue) == 10
    catalogue.close()


CREATE = """
import sys
from db.catalogue import open_catalogue
print("ready", flush=True)
sys.stdin.read()
with open_catalogue(sys.argv[1], create=True) as catalogue, catalogue.write() as session:
    pass
"""


def test_processes_that_create_the_same_catalogue_at_once_all_succeed(tmp_path: Path) -> None:
    others = [in_another_process(CREATE, tmp_path / "faces.db", wait_for="ready") for _ in range(4)]
    for other in others:
        assert other.stdin is not None
        other.stdin.close()
    assert [other.wait(60) for other in others] == [0, 0, 0, 0]
    with open_catalogue(tmp_path / "faces.db") as catalogue:
        assert face_count(catalogue) == 0
