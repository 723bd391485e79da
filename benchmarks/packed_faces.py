"""All faces of CelebA in files small enough to carry to a machine with a GPU, and a full training from them there.

    python benchmarks/packed_faces.py pack CELEBA --work WORK [--to benchmarks/packed] [--quality 85] [--megabytes 60]
    python benchmarks/packed_faces.py unpack [--from benchmarks/packed] --to FOLDER
    facesearch train FOLDER/data --work FOLDER/work --recipe distilled --device cuda --out FOLDER/new.safetensors

`pack` takes the face cache of `facesearch train` (WORK), compresses each region as JPEG, and writes index.npz (names,
labels, people, roles, where each face lies) and part-000.npz, ... of at most so many megabytes each. `unpack` makes of
them a folder in CelebA's layout and a face cache, so that any recipe runs as it does anywhere: FOLDER/data holds the
lists and empty files under the pictures' names, since training reads the cache alone. Every part is checked by its
digest. A recipe with a teacher of its own scores its targets first; those need the extra `train`.

Faces are CelebA's: not to be committed (benchmarks/packed is ignored) or passed on.
"""

import argparse
import hashlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesearch.attributes import NAMES
from facesearch.training.datasets import (
    ALIGNED,
    Dataset,
    FaceCache,
    Labels,
    cache_folder,
    open_cache,
    read_dataset,
    restore_cache,
)

HERE = Path(__file__).resolve().parent / "packed"
_CHUNK = 1024
_MODIFIED = 1_000_000_000  # of the empty files: a cache knows pictures by name, size and time


def pack(data: Path, work: Path, to: Path, quality: int, megabytes: float) -> list[Path]:
    """Write the index and the parts; their paths."""
    labels = read_dataset(data)
    if labels.dataset is not Dataset.CELEBA:
        raise SystemExit(f"{data} is not in CelebA's layout: name a folder that is.")
    cache = open_cache(labels, cache_folder(work, labels.dataset))
    to.mkdir(parents=True, exist_ok=True)
    for old in (*to.glob("part-*.npz"), to / "index.npz"):
        old.unlink(missing_ok=True)
    parts: list[Path] = []
    digests: list[str] = []
    waiting: list[bytes] = []
    size, most = 0, int(megabytes * 1e6) - 100_000  # what the file itself takes
    for jpeg in _compressed(cache, quality):
        if waiting and size + len(jpeg) + 8 > most:
            _write_part(to, parts, digests, waiting)
            waiting, size = [], 0
        waiting.append(jpeg)
        size += len(jpeg) + 8
    _write_part(to, parts, digests, waiting)
    np.savez_compressed(
        to / "index.npz",
        names=np.array(labels.names),
        labels=labels.labels,
        identities=labels.identities if labels.has_identities else np.zeros(0, np.int64),
        roles=labels.roles,
        records=cache.records,
        digests=np.array(digests),
    )
    return [to / "index.npz", *parts]


def _compressed(cache: FaceCache, quality: int) -> Iterator[bytes]:
    """Every region as JPEG, in order."""
    import cv2

    def one(row: int) -> bytes:
        part, _, _ = cache.region(row)
        _, data = cv2.imencode(".jpg", part[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        return bytes(data)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(cache.records), _CHUNK):
            yield from pool.map(one, range(start, min(start + _CHUNK, len(cache.records))))
            _say("packing", start + _CHUNK, len(cache.records))


def _write_part(to: Path, parts: list[Path], digests: list[str], jpegs: Sequence[bytes]) -> None:
    content = io.BytesIO()
    lengths = np.array([len(jpeg) for jpeg in jpegs], np.int64)
    np.savez(content, lengths=lengths, data=np.frombuffer(b"".join(jpegs), np.uint8))
    path = to / f"part-{len(parts):03d}.npz"
    path.write_bytes(content.getvalue())
    parts.append(path)
    digests.append(hashlib.sha256(content.getvalue()).hexdigest())


def unpack(source: Path, to: Path) -> None:
    """Make FOLDER/data and FOLDER/work of an index and its parts."""
    try:
        index = np.load(source / "index.npz")
    except OSError as error:
        raise SystemExit(f"{source / 'index.npz'} cannot be read ({error.strerror}): carry it here first.") from error
    missing = [number for number, digest in enumerate(index["digests"]) if not _is_whole(source, number, str(digest))]
    if missing:
        names = ", ".join(f"part-{number:03d}.npz" for number in missing[:5])
        raise SystemExit(f"{len(missing)} parts are missing or damaged ({names}): carry them here again.")
    pictures = [str(name) for name in index["names"]]
    _write_lists(to / "data", pictures, index["labels"], index["identities"], index["roles"])
    labels = read_dataset(to / "data")
    assert labels.names == tuple(pictures)
    restore_cache(labels, cache_folder(to / "work", labels.dataset), _faces(source, index["records"], labels))


def _is_whole(source: Path, number: int, digest: str) -> bool:
    path = source / f"part-{number:03d}.npz"
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _faces(
    source: Path, records: NDArray[np.void], labels: Labels
) -> Iterator[tuple[NDArray[np.void], NDArray[np.uint8]]]:
    row = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path in sorted(source.glob("part-*.npz")):
            with np.load(path) as part:
                data, ends = part["data"], np.cumsum(part["lengths"])
            for region in pool.map(_decoded, np.split(data, ends[:-1])):
                yield records[row], region
                row += 1
            _say("unpacking", row, len(labels.names))


def _decoded(jpeg: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    found = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    assert found is not None
    return np.ascontiguousarray(found[:, :, ::-1], np.uint8)


def _write_lists(
    data: Path, names: Sequence[str], labels: NDArray[np.uint8], people: NDArray[np.int64], roles: NDArray[np.str_]
) -> None:
    """CelebA's lists, and an empty file for each picture."""
    (data / ALIGNED).mkdir(parents=True, exist_ok=True)
    for name in names:
        path = data / ALIGNED / name
        path.touch()
        os.utime(path, ns=(_MODIFIED, _MODIFIED))
    rows = (f"{n} {' '.join('1' if v else '-1' for v in r)}" for n, r in zip(names, labels.tolist(), strict=True))
    (data / "list_attr_celeba.txt").write_text("\n".join([str(len(names)), " ".join(NAMES), *rows]) + "\n")
    (data / "list_role.txt").write_text("".join(f"{n} {r}\n" for n, r in zip(names, roles.tolist(), strict=True)))
    (data / "list_eval_partition.txt").write_text("".join(f"{name} 0\n" for name in names))  # roles go before it
    if len(people):
        text = "".join(f"{n} {p}\n" for n, p in zip(names, people.tolist(), strict=True))
        (data / "identity_CelebA.txt").write_text(text)


def _say(what: str, done: int, total: int) -> None:
    print(f"\r{what} {min(done, total):,} of {total:,} faces", end="\n" if done >= total else "", file=sys.stderr)


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("data", type=Path)
    packing.add_argument("--work", type=Path, required=True)
    packing.add_argument("--to", type=Path, default=HERE)
    packing.add_argument("--quality", type=int, default=85)
    packing.add_argument("--megabytes", type=float, default=60.0)
    unpacking = commands.add_parser("unpack")
    unpacking.add_argument("--from", dest="source", type=Path, default=HERE)
    unpacking.add_argument("--to", type=Path, required=True)
    arguments = parser.parse_args(given)
    if arguments.command == "unpack":
        unpack(arguments.source, arguments.to)
        print(f"facesearch train {arguments.to / 'data'} --work {arguments.to / 'work'} --device cuda --out FILE")
        return
    written = pack(arguments.data, arguments.work, arguments.to, arguments.quality, arguments.megabytes)
    sizes = [path.stat().st_size / 1e6 for path in written]
    print(f"{len(written)} files in {arguments.to}, {sum(sizes):,.0f} MB in all, the largest {max(sizes):.1f} MB")


if __name__ == "__main__":
    main()
