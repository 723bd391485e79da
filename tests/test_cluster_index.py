"""Indexing on two nodes of a Ray cluster: as on one machine, whatever becomes of workers, nodes and photos."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from db.catalogue import Catalogue, open_catalogue
from db.values.photo import LeftOut
from facesearch.cluster.connection import About, Cluster, connected, own_version
from facesearch.cluster.errors import ClusterError
from facesearch.errors import Notice
from facesearch.vision.decode import Limits
from indexer.claims import Admit, ContentClaims
from indexer.cluster.crew import NodeSetup, Patience
from indexer.cluster.executor import RayExecutor
from indexer.cluster.paths import PathMap
from indexer.hash_sets import read_hash_set
from indexer.items import ProcessedPhoto
from indexer.media import PhotoFiles
from tests.support import deadly
from tests.support.index_runs import Runs
from tests.support.ray_nodes import PROJECT, Nodes, skip_without_ray, two_nodes
from tests.support.stand_ins import encoded, picture
from tests.test_index_processes import jobs, unclaimed, write

pytestmark = pytest.mark.slow

TOKEN = "0123456789abcdef" * 4
FACTORY = "tests.support.ray_nodes:red_squares"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch:  # read on import
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", TOKEN)
        patch.setenv("RAY_BACKEND_LOG_LEVEL", "fatal")
        with two_nodes(TOKEN) as cluster:
            yield cluster


@pytest.fixture(scope="module")
def cluster(nodes: Nodes) -> Iterator[Cluster]:
    with connected(nodes.address) as found:
        while len(found.nodes()) < 2:
            threading.Event().wait(0.1)
        yield found


def setup(**options: Any) -> NodeSetup:
    return NodeSetup(FACTORY, {}, About(own_version()), {}, **options)


def executor(cluster: Cluster, admit: Admit, told: list[Notice] | None = None, **options: Any) -> RayExecutor:
    tell = (told if told is not None else []).append
    return RayExecutor(cluster, setup(small=options.pop("small", False)), admit, tell=tell, **options)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Some photos with faces; one is damaged, some are copies, two of them of what comes later."""
    folder = tmp_path / "album"
    for number in range(30):
        write(folder / f"{number:02}.png", encoded(picture((number * 8, 250, 0), *[(9, 9, number)] * (number % 3))))
    write(folder / "04.png", b"\x89PNG\r\n\x1a\nno more")
    for copy, of in ((6, 1), (2, 21), (3, 28), (25, 22)):
        write(folder / f"{copy:02}.png", (folder / f"{of:02}.png").read_bytes())
    return folder


def rows(catalogue: Catalogue) -> list[tuple[Any, ...]]:
    """Everything that was found: files, photos, faces with their numbers, and logits."""
    with catalogue.read() as session:
        found = []
        for table in ("files", "photos", "faces", "scores"):
            columns = [row[1] for row in session.execute(text(f"PRAGMA table_info({table})"))]
            kept = [each for each in columns if each not in ("missing_since", "first_indexed")]
            found += session.execute(text(f"SELECT '{table}', {', '.join(kept)} FROM {table} ORDER BY 2, 3")).all()
    return [tuple(row) for row in found]


def test_a_cluster_makes_the_catalogue_that_one_machine_makes(cluster: Cluster, album: Path, tmp_path: Path) -> None:
    """Photos of a hash set by MD5, and copies, among them: all numbers are the same."""
    known = tmp_path / "known.txt"
    known.write_text(hashlib.md5((album / "17.png").read_bytes(), usedforsecurity=False).hexdigest())
    made = []
    with read_hash_set(known, LeftOut.KNOWN_ILLEGAL) as known_set:
        for name, options in (
            ("here", {"workers": 1}),
            ("there", {"new_executor": lambda admit: executor(cluster, admit, batch=4)}),
        ):
            with open_catalogue(tmp_path / f"{name}.db", create=True) as catalogue:
                run = Runs(catalogue)
                report = run(album, sets=(known_set,), **options)
                made.append((report.counts(), rows(catalogue), run.visible()))
                shown = run.detector.shown, run.scorer.shown
    assert made[0][0] == made[1][0]
    assert len(made[0][1]) == len(made[1][1])
    for here, there in zip(made[0][1], made[1][1], strict=True):
        assert here == there
    assert made[0] == made[1]
    assert made[0][0]["photos"] == 29
    assert shown == (0, 0), "in this process nothing is looked at, and nothing scored"


def test_a_photo_that_kills_its_workers_fails_alone(cluster: Cluster, album: Path) -> None:
    write(album / "05.png", encoded(picture((1, 250, 0))) + deadly.CRASH)
    with closing(executor(cluster, unclaimed().admit, batch=4)) as cores:
        results = {job.file.path: result for job, result in cores.process(jobs(album), stop=threading.Event())}
        assert cores.crew.started == 2 + 3 * 3, "each of three sizes ends three"
    failed = results.pop(b"05.png")
    assert isinstance(failed, ProcessedPhoto) and failed.failure is not None
    assert failed.failure.reason == "it ended its workers, which crashed" and not failed.failure.retry
    others = [each for each in results.values() if isinstance(each, ProcessedPhoto) and each.failure is None]
    assert len(others) == 30 - 6 and all(each.faces and each.logits is not None for each in others)


def test_paths_lie_elsewhere_on_the_nodes(cluster: Cluster, album: Path, tmp_path: Path) -> None:
    (tmp_path / "mounted").symlink_to(album)
    here = tmp_path / "not there"
    paths = PathMap.parse([f"{here}={tmp_path / 'mounted'}"])
    wanted = [job for job in jobs(album) if job.file.path < b"04.png"]
    moved = [type(job)(1, os.fsencode(here), job.file) for job in wanted]
    with closing(executor(cluster, unclaimed().admit, paths=paths, batch=2)) as cores:
        results = [result for _, result in cores.process(moved, stop=threading.Event())]
    assert all(isinstance(each, ProcessedPhoto) and each.faces for each in results) and len(results) == 4


def test_bytes_are_sent_where_nodes_see_no_photo(cluster: Cluster, album: Path) -> None:
    """That they would be asked for elsewhere tells that they do not read them."""
    paths = PathMap.parse([f"{album}=/nowhere"])
    with closing(executor(cluster, unclaimed().admit, paths=paths, ship=PhotoFiles(Limits()), small=True)) as cores:
        found = [result for _, result in cores.process(jobs(album), stop=threading.Event())]
        assert sum(isinstance(each, ProcessedPhoto) and bool(each.faces) for each in found) == 25
        photo = next(each for each in found if isinstance(each, ProcessedPhoto) and len(each.faces) > 1)
        assert all(face.small and len(face.small) > 100 for face in photo.faces)
        ((_, crops),) = cores.map(
            lambda processor, job: processor.crop_again(job.path, photo.sha256, []),
            [
                job
                for job in jobs(album)
                if hashlib.sha256(Path(os.fsdecode(job.path)).read_bytes()).hexdigest() == photo.sha256
            ][:1],
            stop=threading.Event(),
        )
    assert crops == []


def test_nodes_that_do_not_see_the_share_do_nothing(cluster: Cluster, album: Path) -> None:
    """Nothing is recorded as failed that this machine can read."""
    told: list[Notice] = []
    paths = PathMap.parse([f"{album}=/nowhere"])
    with (
        closing(executor(cluster, unclaimed().admit, told, paths=paths, patience=Patience(node=1.0))) as cores,
        pytest.raises(Exception, match=r"No node of the Ray cluster at .* is left .*does not see /nowhere/"),
    ):
        list(cores.process(jobs(album), stop=threading.Event()))
    assert [each.kind for each in told] == ["node set aside", "node set aside"]


def test_a_worker_that_does_not_answer_is_ended(cluster: Cluster, tmp_path: Path) -> None:
    for name, ending in (("a", b""), ("b", deadly.HANG), ("c", b" ")):
        write(tmp_path / "album" / f"{name}.png", encoded(picture((250, 250, 250))) + ending)
    patience = Patience(hung=4.0, late=100.0)
    with closing(executor(cluster, unclaimed().admit, batch=1, patience=patience)) as cores:
        a, b, c = (result for _, result in cores.process(jobs(tmp_path / "album"), stop=threading.Event()))
    assert isinstance(b, ProcessedPhoto) and b.failure is not None
    assert b.failure.reason == "it was given up after 4 seconds"
    assert all(isinstance(each, ProcessedPhoto) and len(each.faces) == 1 for each in (a, c))


def test_a_stop_ends_a_run_at_once(cluster: Cluster, tmp_path: Path) -> None:
    write(tmp_path / "album" / "a.png", encoded(picture((250, 250, 250))) + deadly.HANG)
    write(tmp_path / "album" / "b.png", encoded(picture((250, 250, 0))))
    stop = threading.Event()
    with closing(executor(cluster, unclaimed().admit, batch=1)) as cores:
        threading.Timer(2.0, stop.set).start()
        assert list(cores.process(jobs(tmp_path / "album"), stop=stop)) == []


def test_a_lost_node_loses_nothing(nodes: Nodes, cluster: Cluster, tmp_path: Path) -> None:
    """The last test of this cluster: a node more, killed in the middle of the work."""
    folder = tmp_path / "album"
    for number in range(120):
        write(folder / f"{number:03}.png", encoded(picture((number * 2, 250, 0))))
    third = nodes.start()
    while len(cluster.nodes()) < 3:
        threading.Event().wait(0.1)
    told: list[Notice] = []
    with closing(executor(cluster, ContentClaims(lambda _: False).admit, told, batch=2)) as cores:
        found = []
        for job, result in cores.process(jobs(folder), stop=threading.Event()):
            found.append((job.file.path, result))
            if len(found) == 10:
                nodes.kill(third)
    assert [path for path, _ in found] == [b"%03d.png" % number for number in range(120)]
    assert all(isinstance(each, ProcessedPhoto) and len(each.faces) == 1 and not each.failure for _, each in found)
    assert (
        len(
            {
                round(float(each.logits[0, 0]), 3)
                for _, each in found
                if isinstance(each, ProcessedPhoto) and each.logits is not None
            }
        )
        == 120
    )
    assert [each.kind for each in told] == ["node lost"] or not told


def test_a_cluster_without_a_token_is_refused(tmp_path: Path, album: Path) -> None:
    """By the program as it is run: Ray reads the token once a process."""
    catalogue = str(tmp_path / "faces.db")
    with two_nodes("", nodes=1) as open_nodes:
        command = ["index", str(album), "--catalogue", catalogue, "--ray", open_nodes.address]
        refused = ran({"RAY_AUTH_MODE": "disabled"}, *command)
        wrong = ran({"RAY_AUTH_MODE": "disabled"}, *command, "--trust-cluster", "--look", "quick", "--no-crops")
    assert refused.returncode == 3 and not Path(catalogue).with_suffix(".db-wal").exists()
    (error,) = [line for line in refused.stderr.splitlines() if line.startswith("Error")]
    assert "asks for no token" in error and "--trust-cluster" in error
    assert (wrong.returncode, "Photos: 30" in wrong.stdout) == (0, True), wrong.stderr


def test_a_node_with_another_checkpoint_is_named(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "old.safetensors").write_bytes(b"other weights")
    digest = hashlib.sha256(b"other weights").hexdigest()
    asked = {"checkpoint": str(tmp_path / "old.safetensors")}
    with pytest.raises(ClusterError, match=rf"another checkpoint than this machine \({digest[:12]} there, ab here\)"):
        cluster.check(cluster.nodes(), About(own_version(), "ab"), asked)
    with pytest.raises(ClusterError, match="another version than this machine"):
        cluster.check(cluster.nodes(), About("0.0.1"), {})
    with pytest.raises(ClusterError, match="cannot run facesearch"):
        cluster.check(cluster.nodes(), About(own_version(), "ab"), {"checkpoint": str(tmp_path / "none")})
    cluster.check(cluster.nodes(), About(own_version(), digest), asked)


def test_without_ray_the_option_says_what_to_install(tmp_path: Path, album: Path) -> None:
    command = ["index", str(album), "--catalogue", str(tmp_path / "faces.db"), "--ray", "auto"]
    without = ran({}, *command, before="import sys; sys.modules['ray'] = None; ")
    assert without.returncode == 3 and "Traceback" not in without.stderr
    assert "Ray is not installed here: install it with pip install 'facesearch[ray]'." in without.stderr


def test_nobody_is_there(tmp_path: Path, album: Path) -> None:
    skip_without_ray()
    command = ["index", str(album), "--catalogue", str(tmp_path / "faces.db"), "--ray"]
    for address, says in (("127.0.0.1:1", "Connection refused"), ("nonsense", '"host:port"')):
        nobody = ran({}, *command, address)
        assert (nobody.returncode, says in nobody.stderr) == (3, True), nobody.stderr


def ran(environment: dict[str, str], *arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    code = f"{before}from cli.main import main; main()"
    own = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        env={**own, **environment},
    )


def test_a_name_that_is_no_folder_is_refused() -> None:
    with pytest.raises(Exception, match="does not say where a folder lies on the nodes"):
        PathMap.parse(["/here"])
    paths = PathMap.parse(["/a=/b/", "/a/c=/d"])
    there = [paths.there(each) for each in (b"/a/x", b"/a/c/x", b"/a", b"/ab/x", b"/q")]
    assert there == [b"/b/x", b"/d/x", b"/b", b"/ab/x", b"/q"]
