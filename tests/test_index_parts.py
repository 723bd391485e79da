"""The small parts of an index run: what a walk changes, memory for decoding, who looks at a content, Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import pytest

from cli.terminal.interrupt import stop_on_signal
from db.photos import KnownFile
from db.values.photo import Outcome
from facesearch.vision.decoding.sniff import FileKind, Kind
from indexer.budget import PixelBudget
from indexer.claims import ContentClaims
from indexer.listing import Memory, WalkHooks, compare
from indexer.selection import Chooser
from indexer.targets import Target
from indexer.threads import ordered_thread_map
from tests.support.powers import ctrl_c_interrupts

PROJECT = Path(__file__).parent.parent


def test_a_known_photo_that_this_installation_no_longer_reads_is_not_gone(tmp_path: Path) -> None:
    for name in ("a.unknown", "b.jpg"):
        (tmp_path / name).write_bytes(b"photo")
    known = {
        name: KnownFile(number, 5, 1, None, number, False, Outcome.INDEXED, None, False)
        for number, name in enumerate((b"a.unknown", b"b.jpg", b"deleted.heic", b"deleted.jpg"))
    }
    target = Target(os.fsencode(tmp_path), b"", frozenset())
    hooks = WalkHooks(
        lambda _: True, lambda paths: [FileKind(Kind.UNREAD_PHOTO, "JPEG XL") for _ in paths], lambda _: None
    )
    listing = compare(target, 1, Memory(known, {}), chooser=Chooser(), hooks=hooks)
    assert listing.gone == [2, 3]
    assert len(listing.work) == 1 and listing.unsupported == {"JPEG XL": 1}


def test_photos_within_the_budget_are_decoded_ordered_thread_map() -> None:
    budget = PixelBudget(100)
    with budget.share() as first, budget.share() as second:
        first.take(60)
        second.take(40)


@pytest.mark.parametrize(("held", "asked"), [(60, 50), (100, 1), (1, 250), (250, 1)])
def test_who_does_not_fit_into_the_budget_waits_until_something_is_given_back(held: int, asked: int) -> None:
    budget = PixelBudget(100)
    let_in = threading.Event()

    def work() -> None:
        with budget.share() as share:
            share.take(asked)
            let_in.set()

    with ThreadPoolExecutor(1) as pool:
        with budget.share() as share:
            share.take(held)
            second = pool.submit(work)
            assert not let_in.wait(0.2)
        second.result(60)
    assert let_in.is_set()


def test_a_large_photo_is_not_kept_waiting_by_small_ones_that_come_later() -> None:
    budget = PixelBudget(100)
    order: list[int] = []

    def work(pixels: int) -> None:
        with budget.share() as share:
            share.take(pixels)
            order.append(pixels)

    with ThreadPoolExecutor(2) as pool:
        with budget.share() as share:
            share.take(60)
            large = pool.submit(work, 80)
            assert not _ends(large)
            small = pool.submit(work, 10)  # would fit beside the 60
            assert not _ends(small)
        for each in (large, small):
            each.result(60)
    assert order == [80, 10]


def _ends(future: Future[None]) -> bool:
    return bool(wait([future], timeout=0.2).done)


def test_never_more_pixels_than_the_budget_are_held_and_an_oversized_photo_is_let_in_alone() -> None:
    budget = PixelBudget(100)
    guard = threading.Lock()
    held: list[int] = []
    worst: list[list[int]] = []

    def work(pixels: int) -> None:
        with budget.share() as share:
            share.take(pixels)
            with guard:
                held.append(pixels)
                worst.append(list(held))
            with guard:
                held.remove(pixels)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [30, 250, 50, 70, 10, 1, 99, 100, 400, 20] * 20))
    assert all(sum(together) <= 100 or len(together) == 1 for together in worst)
    assert len(worst) == 200


def test_what_a_failed_worker_held_is_given_back() -> None:
    budget = PixelBudget(10)
    for _ in range(3):
        with pytest.raises(ValueError), budget.share() as share:
            share.take(10)
            raise ValueError


def test_one_file_looks_at_a_content_and_none_at_a_known_one() -> None:
    claims = ContentClaims(lambda sha256: sha256 == "known")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(claims.claim, ["new"] * 50))
    assert answers.count(True) == 1
    assert not claims.claim("known")


def test_the_first_interrupt_is_a_request_and_the_second_one_interrupts() -> None:
    stop = threading.Event()
    with ctrl_c_interrupts():
        before = signal.getsignal(signal.SIGINT)
        with stop_on_signal(stop):
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.wait(5)
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
                threading.Event().wait(5)
        assert signal.getsignal(signal.SIGINT) is before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        stop = threading.Event()
        with stop_on_signal(stop):
            os.kill(os.getpid(), signal.SIGINT)
        assert not stop.is_set()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    def use() -> bool:
        stop = threading.Event()
        with stop_on_signal(stop):
            return stop.is_set()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(use).result() is False


def test_results_come_in_the_order_of_the_items_whoever_is_done_first() -> None:
    second_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(10)
        if number == 1:
            second_is_done.set()
        return number * number

    results = list(ordered_thread_map(work, range(50), workers=4, stop=threading.Event()))
    assert results == [(number, number * number) for number in range(50)]


def test_workers_never_run_far_ahead_of_what_is_taken() -> None:
    begun: list[int] = []
    with closing(ordered_thread_map(begun.append, range(1000), workers=2, stop=threading.Event())) as results:
        for _ in range(5):
            next(results)
    assert len(begun) <= 5 + 2 * 3


def test_what_a_worker_raises_reaches_the_caller() -> None:
    def work(number: int) -> None:
        if number == 3:
            raise LookupError(number)

    with pytest.raises(LookupError):
        list(ordered_thread_map(work, range(10), workers=2, stop=threading.Event()))


def test_a_request_to_stop_does_not_wait_for_more_results() -> None:
    stop = threading.Event()
    taken = []
    with closing(ordered_thread_map(lambda number: number, range(1000), workers=2, stop=stop)) as results:
        for _, number in results:
            taken.append(number)
            if number == 4:
                stop.set()
    assert taken == [0, 1, 2, 3, 4]


def test_a_worker_whose_drive_does_not_answer_is_not_waited_for_after_a_stop() -> None:
    stop, asked, never = threading.Event(), threading.Event(), threading.Event()

    def read(number: int) -> int:
        if number == 1:
            asked.set()
            never.wait()
        return number

    taken = []
    with closing(ordered_thread_map(read, range(10), workers=2, stop=stop, patience=0.1)) as results:
        for _, number in results:
            taken.append(number)
            assert asked.wait(60)
            stop.set()
    assert taken == [0]


def test_a_program_ends_although_a_worker_hangs() -> None:
    code = """
import threading
from indexer.threads import ordered_thread_map
stop, asked = threading.Event(), threading.Event()
def read(number):
    if number:
        asked.set()
        threading.Event().wait()
for _ in ordered_thread_map(read, range(4), workers=2, stop=stop, patience=0.1):
    asked.wait()
    stop.set()
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, cwd=PROJECT).returncode == 0
