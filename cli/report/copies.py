"""The photos of hits, copied for somebody else, with a manifest: byte by byte what was indexed, or named as missing."""

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

from cli.report.folders import NewFolder, safe_name
from db.faces import FaceDetails
from facesearch.search.hits import SearchResult

_COLUMNS = ("rank", "score", "face", "x", "y", "width", "height", "file", "sha256", "photo", "problem")


def copy_photos(into: NewFolder, result: SearchResult) -> list[str]:
    """Copy each photo once, whatever number of hits it holds, and write photos.csv; a sentence for each that could not
    be copied as it was indexed. Names are of plain letters and begin with the rank."""
    width = len(str(len(result.hits)))
    copied: dict[str, tuple[str, str]] = {}
    rows = []
    for hit in result.hits:
        face = hit.face
        if face.sha256 not in copied:
            stem = safe_name(face.path.stem) or "photo"
            suffix = safe_name(face.path.suffix.lower().lstrip("."), 8)
            name = f"{hit.rank:0{width}}-face-{face.face}-{stem}{f'.{suffix}' if suffix else ''}"
            problem = _copied(into, name, face)
            copied[face.sha256] = ("" if problem else name, problem)
        name, problem = copied[face.sha256]
        place = [round(each, 2) for each in (face.x, face.y, face.width, face.height)]
        rows.append([hit.rank, hit.score, face.face, *place, name, face.sha256, str(face.path), problem])
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    into.add("photos.csv", b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "surrogateescape"))
    return list(_problems(copied, result))


def _copied(into: NewFolder, name: str, face: FaceDetails) -> str:
    """Copy the first of the files that still hold the content; why none does, in words, else ""."""
    problem = "no file of it is there"
    for path in face.paths:
        try:
            found = _digest(path)
        except OSError as error:
            problem = f"it cannot be read ({error.strerror})"
            continue
        if found != face.sha256:
            problem = "it has changed since it was indexed"
            continue
        with path.open("rb") as source, into.open(name) as write:
            while block := source.read(1 << 20):
                write(block)
        if into.digests[name] == face.sha256:
            return ""
        into.discard(name)  # changed meanwhile
        problem = "it changed while it was being copied"
    return problem


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _problems(copied: dict[str, tuple[str, str]], result: SearchResult) -> Iterator[str]:
    told: set[str] = set()
    for hit in result.hits:
        problem = copied[hit.face.sha256][1]
        if problem and hit.face.sha256 not in told:
            told.add(hit.face.sha256)
            yield f"Not copied: {hit.face.display}: {problem}."
