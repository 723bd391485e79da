"""Exhibits, manifests and seals: what was searched in which evidence, and whether it is still what it was."""

import csv
import hashlib
import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.catalogue import open_catalogue
from db.exhibits import ListedHash
from indexer.manifests import ManifestError, read_manifest, verify
from tests.conftest import Program
from tests.support.squares import GREEN, album, index
from tests.support.stand_ins import picture, save


def digest(path: Path, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


@pytest.fixture
def seized(tmp_path: Path) -> Path:
    """An exhibit: three photos, one of them in a sub-folder, and a letter."""
    folder = album(tmp_path / "seized")
    (folder / "sub").mkdir()
    (folder / "nobody.png").rename(folder / "sub" / "nobody.png")
    (folder / "letter.txt").write_text("Dear Sir")
    return folder


def files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file())


def listed(folder: Path, algorithm: str = "sha256") -> list[ListedHash]:
    return [
        ListedHash(os.fsencode(each.relative_to(folder)), algorithm, bytes.fromhex(digest(each, algorithm)))
        for each in files(folder)
    ]


def manifest_of(folder: Path, path: Path, *, prefix: str = "", algorithm: str = "md5") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["Item", "Full Path", "Size", algorithm.upper() + " hash"])
        for number, each in enumerate(files(folder)):
            rows.writerow([number, prefix + str(each.relative_to(folder)), 5, digest(each, algorithm).upper()])
    return path


# Manifests


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("prefix", ["", "/mnt/case 7/image/", "./"])
def test_a_manifest_of_another_machine_is_matched_with_the_folder(
    seized: Path, tmp_path: Path, algorithm: str, prefix: str
) -> None:
    manifest = manifest_of(seized, tmp_path / "m.csv", prefix=prefix, algorithm=algorithm)
    assert sorted(read_manifest(manifest, os.fsencode(seized))) == listed(seized, algorithm)


def test_windows_paths_other_delimiters_and_utf_16_are_read(seized: Path, tmp_path: Path) -> None:
    lines = ["Exported by a tool;;", "Name;SHA-256;FilePath"]
    lines += [
        f"x;{digest(each)};E:\\JS1\\{str(each.relative_to(seized)).replace('/', chr(92))}" for each in files(seized)
    ]
    (tmp_path / "m.csv").write_text("\r\n".join(lines), encoding="utf-16")
    assert sorted(read_manifest(tmp_path / "m.csv", os.fsencode(seized))) == listed(seized)


def test_the_strongest_hash_of_a_line_counts(seized: Path, tmp_path: Path) -> None:
    lines = ["path,md5,sha256"]
    for number, each in enumerate(files(seized)):
        lines.append(f"{each.relative_to(seized)},{digest(each, 'md5')},{digest(each) if number else ''}")
    (tmp_path / "m.csv").write_text("\n".join(lines))
    found = read_manifest(tmp_path / "m.csv", os.fsencode(seized))
    assert [each.algorithm for each in found] == ["md5", *["sha256"] * (len(found) - 1)]


def test_the_lists_of_sha1sum_and_of_hashdeep_are_read(seized: Path, tmp_path: Path) -> None:
    sums = "".join(f"{digest(each, 'sha1')}  {each}\n" for each in files(seized))
    (tmp_path / "sums").write_text(sums)
    assert sorted(read_manifest(tmp_path / "sums", os.fsencode(seized))) == listed(seized, "sha1")
    deep = ["%%%% HASHDEEP-1.0", "%%%% size,md5,sha256,filename", "## Invoked from: /", "##"]
    deep += [f"{each.stat().st_size},{digest(each, 'md5')},{digest(each)},{each}" for each in files(seized)]
    (tmp_path / "deep").write_text("\n".join(deep) + "\n")
    assert sorted(read_manifest(tmp_path / "deep", os.fsencode(seized))) == listed(seized)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no line of column names"),
        ("a,b\n1,2\n", "has no line of column names"),
        ("path,md5\nx.png,abc\n", "lists no file with a hash"),
        (f"path,md5\nelsewhere.png,{'0' * 32}\n", "None of the files that .* lists .1. is in"),
    ],
)
def test_a_manifest_that_says_nothing_of_the_folder_is_refused_in_one_sentence(
    seized: Path, tmp_path: Path, text: str, why: str
) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(ManifestError, match=why):
        read_manifest(tmp_path / "m.csv", os.fsencode(seized))


@given(st.binary(max_size=400))
def test_whatever_a_manifest_holds_is_read_or_refused(data: bytes) -> None:
    path = Path(os.environ["HOME"]) / "m.csv"
    path.write_bytes(data)
    with pytest.raises(ManifestError):
        read_manifest(path, os.fsencode(path.parent / "nothing"))


# Comparing


def test_what_differs_is_absent_or_cannot_be_read_is_told_apart(seized: Path) -> None:
    known = listed(seized)
    (seized / "letter.txt").write_text("Dear Madam")
    (seized / "green.png").unlink()
    (seized / "sub" / "nobody.png").unlink()
    os.mkfifo(seized / "sub" / "nobody.png")
    found = verify(os.fsencode(seized), known)
    assert (found.match, found.differ, found.absent) == (1, [b"letter.txt"], [b"green.png"])
    assert found.unreadable == [(b"sub/nobody.png", "it is a pipe, no file")]
    assert not found.sound


def test_a_comparison_that_was_stopped_is_not_sound(seized: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert not verify(os.fsencode(seized), listed(seized), stop=stop).sound


# By hand


def test_an_exhibit_is_indexed_compared_and_named_with_every_hit(
    facesearch: Program, checkpoint: Path, gallery: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    for name in ("man-full-beard-1.jpg", "man-goatee-1.jpg"):
        (folder / name).write_bytes((gallery / name).read_bytes())
    manifest = manifest_of(folder, tmp_path / "hashes.csv", prefix="E:/")
    with manifest.open("a", encoding="utf-8") as file:
        file.write(f"9,E:/gone.jpg,5,{'0' * 32}\r\n")
    path = tmp_path / "f.db"
    asked = ("--exhibit", "JS/1", "--manifest", manifest, "--catalogue", path, "--checkpoint", checkpoint)
    ran = facesearch("index", folder, *asked)
    assert ran.code == 0, ran.err
    assert f"JS/1 ({folder}), against its manifest: 2 of 2 match, 0 differ, 1 is absent" in ran.out
    assert "gone.jpg is absent" in ran.out
    found = json.loads(facesearch("search", "man or not man", "--json", "--catalogue", path).out)["hits"]
    assert found and {each["exhibit"] for each in found} == {"JS/1"} and list(found[0])[-1] == "exhibit"
    assert "exhibit JS/1" in facesearch("search", "man or not man", "--catalogue", path).out
    assert f"JS/1: {folder}" in " ".join(facesearch("roots", "--catalogue", path).out.split())
    assert f"JS/1: {folder}" in " ".join(facesearch("status", "--catalogue", path).out.split())
    page = tmp_path / "p.html"
    facesearch("search", "man or not man", "--html", page, "--catalogue", path)
    assert "exhibit JS/1" in page.read_text()
    (folder / "man-goatee-1.jpg").write_bytes(b"another")
    ran = facesearch("verify", "JS/1", "--catalogue", path)
    assert ran.code == 4 and "1 of 2 match, 1 differ" in ran.out and "man-goatee-1.jpg differs" in ran.out


def test_a_folder_without_a_manifest_is_compared_with_its_photos_as_indexed(
    facesearch: Program, seized: Path, tmp_path: Path
) -> None:
    path = index(tmp_path / "f.db", seized)
    ran = facesearch("verify", "--catalogue", path)
    assert ran.code == 0 and f"{seized}, against the photos as indexed: 3 of 3 match" in ran.out
    save(seized / "green.png", picture(GREEN, size=(300, 120)))
    assert facesearch("verify", seized, "--catalogue", path).code == 4
    seized.rename(tmp_path / "away")
    ran = facesearch("verify", "--catalogue", path)
    assert ran.code == 4 and "the folder is not there" in ran.out


@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        (("--manifest", "m.csv"), 2, "--manifest belongs to an exhibit"),
        (("--exhibit", "=1+1"), 2, "begins with a letter or a digit"),
        (("--exhibit", "JS/1", "--manifest", "nowhere.csv"), 3, "cannot be read"),
    ],
)
def test_a_mistake_is_told_before_any_work(
    facesearch: Program, seized: Path, tmp_path: Path, options: tuple[str, ...], code: int, why: str
) -> None:
    ran = facesearch("index", seized, *options, "--catalogue", tmp_path / "f.db")
    assert ran.code == code and why in ran.err and not (tmp_path / "f.db").exists()


def test_what_is_neither_exhibit_nor_folder_is_refused(facesearch: Program, seized: Path, tmp_path: Path) -> None:
    path = index(tmp_path / "f.db", seized)
    ran = facesearch("verify", "JS/2", "--catalogue", path)
    assert ran.code == 2 and "JS/2 is neither an exhibit nor an indexed folder" in ran.err


def test_a_sealed_catalogue_is_searched_and_never_changed(facesearch: Program, seized: Path, tmp_path: Path) -> None:
    path = index(tmp_path / "f.db", seized)
    assert facesearch("seal", "--catalogue", path).code == 2, "nobody answered"
    assert facesearch("seal", "--yes", "--catalogue", path).code == 0
    with open_catalogue(path):
        before = digest(path)
    save(seized / "new.png", picture(GREEN, size=(310, 120)))
    ran = facesearch("index", seized, "--catalogue", path)
    assert ran.code == 3 and "is sealed: it can be searched, and nothing in it changes any more" in ran.err
    assert facesearch("roots", "--detach", seized, "--catalogue", path).code == 3
    assert facesearch("search", "stubble", "--catalogue", path).code == 0
    assert digest(path) == before
    assert "sealed since" in facesearch("status", "--catalogue", path).out
    assert "has been sealed since" in facesearch("seal", "--yes", "--catalogue", path).err
