"""Train a network beside other work: at lowest priority, for hours or days, paused whenever the machine is wanted.

    python benchmarks/train_network.py run CELEBA --work WORK --recipe distilled --out FILE [--start FILE]
    python benchmarks/train_network.py pause|resume|status --work WORK

`run` computes until the recipe is finished, in a process of its own at nice 19 and idle disk priority. While the file
WORK/PAUSE is there (`pause` makes it, `resume` removes it), that process is stopped, within a second, and nothing is
lost. However it ends, the same command goes on from the state saved last: each stage saves every four minutes, and what
is computed once (faces, a teacher's answers) is kept. A lock lets one run only work in a folder. WORK/hours.json holds
how long it has really run, WORK/run.log what it says. The images of role `test` are left alone: `facesearch evaluate`
measures, once, what is finished. It computes in one thread, which is fastest beside other work; on an idle machine set
OMP_NUM_THREADS to its cores before `run`.
"""

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from db import durable
from db.lock import exclusive

PAUSE, HOURS, LOG, LOCK = "PAUSE", "hours.json", "run.log", "run.lock"
LOOK_EVERY = 0.5
"""Seconds between two looks at PAUSE."""
WRITE_EVERY = 60.0
"""Seconds between two notes of the hours."""

# Threads that wait for each other spin, and beside other work that takes up to three quarters of the speed.
_THREADS = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
_PR_SET_PDEATHSIG = 1  # Linux's prctl(2)


@dataclass
class Hours:
    """Seconds. running: on the clock, while not paused; computing: of all processor cores together."""

    running: float = 0.0
    computing: float = 0.0
    paused: float = 0.0
    starts: int = 0


def read_hours(work: Path) -> Hours:
    """What earlier runs have noted; zeros at the first, and where a power failure has left nothing."""
    try:
        return Hours(**json.loads((work / HOURS).read_text()))
    except (OSError, ValueError, TypeError):
        return Hours()


def supervise(work: Path, command: Sequence[str]) -> int:
    """Run a command to its end, stopped while WORK/PAUSE is there. Returns its exit code; 75 where another run
    works."""
    work.mkdir(parents=True, exist_ok=True)
    with exclusive(work / LOCK) as mine:
        if not mine:
            print(f"Another run works in {work}: wait for it, or name another folder.", file=sys.stderr)
            return os.EX_TEMPFAIL
        hours, pause = read_hours(work), work / PAUSE
        hours.starts += 1
        with (work / LOG).open("ab") as log:
            child = subprocess.Popen(
                command, stdout=log, stderr=log, preexec_fn=_as_background, env={**_THREADS, **os.environ}
            )
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: _end(child))
            before, noted, stopped = hours.computing, time.monotonic(), False
            since = noted
            while child.poll() is None:
                if pause.exists() != stopped:
                    stopped = not stopped
                    os.killpg(child.pid, signal.SIGSTOP if stopped else signal.SIGCONT)
                time.sleep(LOOK_EVERY)
                now = time.monotonic()
                if stopped:
                    hours.paused += now - since
                else:
                    hours.running += now - since
                since = now
                if now - noted > WRITE_EVERY:
                    hours.computing = before + _processor_seconds(child.pid)
                    durable.write_text(work / HOURS, json.dumps(asdict(hours)))
                    noted = now
        spent = os.times()
        hours.computing = before + spent.children_user + spent.children_system
        durable.write_text(work / HOURS, json.dumps(asdict(hours)))
        return child.returncode


def _as_background() -> None:
    """In the new process: a session of its own, last in every queue, and gone when the one that watches it is gone."""
    os.setsid()
    os.nice(19)
    # Linux shares the processor among sessions first, and nice alone only counts within one (sched(7), autogroup).
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("19")
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    subprocess.run(["ionice", "-c", "3", "-p", str(os.getpid())], check=False, capture_output=True)


def _end(child: "subprocess.Popen[bytes]") -> None:
    os.killpg(child.pid, signal.SIGKILL)


def _processor_seconds(process: int) -> float:
    """User and system time of a process and of those of its children that have ended (proc(5)); 0 where unknown."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def train(arguments: argparse.Namespace) -> int:
    """What the process in the background does. Progress as lines, for a log that nobody watches."""
    from cli.report.remedies import error_in_words
    from facesearch.errors import FacesearchError
    from facesearch.network.device import keep_freed_memory
    from facesearch.training.loop import Progress
    from facesearch.training.recipe import load_recipe
    from facesearch.training.run import Callbacks, train_checkpoint

    last = {"at": 0.0}

    def say(words: str) -> None:
        print(time.strftime("%Y-%m-%d %H:%M:%S"), words, flush=True)

    def now_and_then(words: str) -> None:
        if time.monotonic() - last["at"] > 60:
            last["at"] = time.monotonic()
            say(words)

    def step(p: Progress) -> None:
        now_and_then(
            f"stage {p.stage} of {p.stages}, step {p.step:,} of {p.steps:,}: loss {p.loss:.4f}, {p.rate:.0f} faces/s, "
            f"{p.left / 3600:.1f} h left in this stage"
        )

    def faces(what: str, done: int, total: int) -> None:
        now_and_then(f"{what}: {done:,} of {total:,}")

    keep_freed_memory()
    try:
        recipe, tell = load_recipe(arguments.recipe), Callbacks(faces=faces, step=step, note=say)
        data, work, out, start = arguments.data, arguments.work, arguments.out, arguments.start
        made, _ = train_checkpoint(data, work, out, recipe, arguments.device, tell, start=start, tested=False)
    except FacesearchError as error:
        say(error_in_words(error))
        return 1
    say(f"written: {out} (model {made.digest[:12]})")
    return 0


def status(work: Path) -> str:
    """How a run stands, in a few lines."""
    hours = read_hours(work)
    with exclusive(work / LOCK) as free:
        state = "not running" if free else "paused" if (work / PAUSE).exists() else "running"
    log = work / LOG
    said = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []
    return "\n".join(
        [
            f"{state}; {hours.running / 3600:.2f} h run ({hours.computing / 3600:.2f} h of processor), "
            f"{hours.paused / 3600:.2f} h paused, started {hours.starts} times",
            *said,
        ]
    )


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("run", "train", "pause", "resume", "status"):  # `train` is what `run` starts
        command = commands.add_parser(name)
        command.add_argument("--work", type=Path, required=True)
        if name in ("run", "train"):
            command.add_argument("data", type=Path)
            command.add_argument("--recipe", required=True)
            command.add_argument("--out", type=Path, required=True)
            command.add_argument("--start", type=Path)
            command.add_argument("--device", default="auto")
    arguments = parser.parse_args(given)
    work: Path = arguments.work
    if arguments.command == "run":
        passed = list(given if given is not None else sys.argv[1:])
        passed[passed.index("run")] = "train"
        return supervise(work, [sys.executable, str(Path(__file__).resolve()), *passed])
    if arguments.command == "train":
        return train(arguments)
    if not work.is_dir():
        print(f"{work} is no folder of a run: name the one that `run` was given.", file=sys.stderr)
        return 1
    if arguments.command == "pause":
        (work / PAUSE).touch()
    elif arguments.command == "resume":
        (work / PAUSE).unlink(missing_ok=True)
    print(status(work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
