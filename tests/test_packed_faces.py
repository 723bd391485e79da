"""Faces packed for another machine: a training there has the same labels, and nearly the same pictures."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from facesearch.training.datasets import cache_folder, open_cache, read_dataset
from tests.support import labelled

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_what_is_unpacked_is_what_was_packed_in_small_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = runpy.run_path(str(BENCHMARKS / "packed_faces.py"))["main"]
    data = labelled.celeba(
        tmp_path / "celeba", [*labelled.portraits(7), labelled.noise(60, 60)], [0, 1, 2, 0] * 2, False
    )
    packed, far = tmp_path / "packed", tmp_path / "far"
    main(["pack", str(data), "--work", str(tmp_path / "work"), "--to", str(packed), "--megabytes", "0.15"])
    parts = sorted(packed.glob("part-*.npz"))
    assert len(parts) > 1 and all(part.stat().st_size <= 150_000 for part in parts)

    damaged = parts[1].read_bytes()
    parts[1].write_bytes(damaged[:-1])
    with pytest.raises(SystemExit, match="part-001"):
        main(["unpack", "--from", str(packed), "--to", str(far)])
    parts[1].write_bytes(damaged)
    main(["unpack", "--from", str(packed), "--to", str(far)])
    assert "facesearch train" in capsys.readouterr().out

    before, after = read_dataset(data), read_dataset(far / "data")
    assert before.names == after.names
    for field in ("labels", "roles"):
        assert np.array_equal(getattr(before, field), getattr(after, field))
    there = open_cache(after, cache_folder(far / "work", after.dataset))
    here = open_cache(before, cache_folder(tmp_path / "work", before.dataset))
    for name in ("box", "turned", "picture", "height", "width", "detection"):
        assert np.array_equal(here.records[name], there.records[name])
    for row in range(7):  # noise does not survive compression
        one, other = here.region(row)[0].astype(int), there.region(row)[0].astype(int)
        assert np.abs(one - other).mean() < 3
