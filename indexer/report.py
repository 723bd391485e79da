"""What a run says while it works and when it is done. Numbers and notices; how they are worded is the caller's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from db.errors import CatalogueError
from db.values.photo import LeftOut, Outcome
from db.values.told import Notice
from facesearch.custody.audit import Logged


class HiddenFolder(NamedTuple):
    """A hidden or system folder that was not looked into. path: absolute, or within the root that is walked; kind: what
    sort of folder, as `facesearch.places` calls it."""

    path: bytes
    kind: str


class UsedSet(NamedTuple):
    """A set of known files that a run went by. sha256: of its file, hexadecimal; hashes: how many it holds."""

    name: str
    kind: LeftOut
    sha256: str
    hashes: int


class Stage(StrEnum):
    """What a run is doing."""

    COMPARING = "comparing"
    LISTING = "listing"
    LOADING = "loading"
    PHOTOS = "photos"
    AGAIN = "again"
    RESCORING = "rescoring"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands.

    total: photos known so far (while listing it grows); done: of these, looked at; unchanged: of these, without being
    opened, so that (done - unchanged) a second is the speed of the work. faces: found in this run. failures: photos
    that ended as failed. At AGAIN, done and total count the photos to look at again, faces those that this gained, and
    failures the photos that failed in it. At COMPARING, done and total count photos that are read for their hashes. At
    LOADING network and detector are made. While rescoring, done and total count faces, and failures the photos that
    could not be read.
    """

    stage: Stage
    done: int
    total: int
    unchanged: int
    faces: int
    failures: int

    def __str__(self) -> str:
        """A line for people: "photos: 12 of 52, 14 faces, 0 failed"."""
        if self.stage is Stage.LISTING:
            return f"{self.stage}: {self.total}"
        line = f"{self.stage}: {self.done} of {self.total}"
        if self.stage in (Stage.SNAPSHOT, Stage.COMPARING):
            return line
        return f"{line}, {self.faces} faces, {self.failures} failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """A photo that could not be used.

    path: absolute; display: the same, printable anywhere; reason: a clause that reads well after "failed: "; retry:
    whether the next run tries it again.
    """

    path: bytes
    display: str
    reason: str
    retry: bool


@dataclass(frozen=True, slots=True)
class FolderNotice:
    """A folder that could not be worked through as asked, or a photo of which something is to be said. path: absolute;
    notice: what."""

    path: bytes
    notice: Notice


@dataclass(kw_only=True)
class ComparedSets:
    """What sets of known files said of the photos that were known before.

    hidden_faces, shown_faces: how many faces left the results because a set was given, and came back since one was
    given up or replaced; uncompared: photos that could not be held against the sets, since no file of them could be
    read; sets_not_given: names of the sets by which former runs went, and this one did not; sets: those of this run.
    """

    hidden_faces: int = 0
    shown_faces: int = 0
    uncompared: int = 0
    sets: list[UsedSet] = field(default_factory=list)
    sets_not_given: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class FoundFiles:
    """What the walks found.

    photos: files found. unchanged: of these, not opened, since size and time were those of the last run. returned:
    files that had been missing.

    unusable: folders that were asked for (or are known roots) and could not be walked. retained: folders within that
    could not be looked at or are suddenly empty, so that nothing under them was marked missing. linked: links to
    folders, which are not followed. not_kept: folders that were new and hold no photo. hidden_folders: hidden and
    system folders (absolute paths); hidden_files: files of this sort, by kind. excluded: files and folders that a
    pattern excludes. online_only: files whose content is in the cloud. others: files that are no photos, by what they
    are, or else by extension; unsupported: photos that this installation cannot read, by format. without_change_times:
    kinds of file systems on which an edit that keeps size and date goes unnoticed. forgotten: files that were left
    alone, since they, or what they hold, were forgotten; recognised: files that were passed over since they are of sets
    of known files, by kind (neither is among `photos`).
    """

    photos: int = 0
    unchanged: int = 0
    returned: int = 0
    unusable: list[FolderNotice] = field(default_factory=list)
    retained: list[FolderNotice] = field(default_factory=list)
    linked: list[FolderNotice] = field(default_factory=list)
    not_kept: list[FolderNotice] = field(default_factory=list)
    hidden_folders: list[HiddenFolder] = field(default_factory=list)
    hidden_files: Counter[str] = field(default_factory=Counter)
    excluded: int = 0
    online_only: int = 0
    others: Counter[str] = field(default_factory=Counter)
    unsupported: Counter[str] = field(default_factory=Counter)
    without_change_times: set[str] = field(default_factory=set)
    forgotten: int = 0
    recognised: Counter[LeftOut] = field(default_factory=Counter)


@dataclass(kw_only=True)
class FileOutcomes:
    """What the files found are now, whether this run opened them or an earlier one: they add up to `photos` unless the
    run was interrupted. failures: every failed file of the walked folders, in byte order of paths, also those that no
    run will try again."""

    indexed: int = 0
    no_face: int = 0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)


@dataclass(kw_only=True)
class ChangedPhotos:
    """What processing files changed in the catalogue.

    faces: new ones, in photos that were new or had failed. again: photos that were behind and were looked at again,
    with success or without. gained, unfound: faces that were found by that in photos that had not failed before, and
    faces that were not found again. changed: how many known photos have another outcome now, by the former and the new
    one.
    """

    faces: int = 0
    again: int = 0
    gained: int = 0
    unfound: int = 0
    changed: Counter[tuple[Outcome, Outcome]] = field(default_factory=Counter)


@dataclass(kw_only=True)
class OpenedFiles:
    """New and changed files. opened: how many; same_content: of these, those whose content was known (moved, copied,
    touched). replaced: those that hold another photo than before, and how many faces left the results with that."""

    opened: int = 0
    same_content: int = 0
    replaced: list[tuple[bytes, int]] = field(default_factory=list)


@dataclass(kw_only=True)
class GoneFiles:
    """What is no longer there. missing: files newly found gone; lost: photos that no file holds any more because of
    that; renamed: how many of the files lie under a new name, and renames the first few, former and new path.
    missing_folders: sub-folders that are gone, with photos that no other folder holds. left_out: photos that left the
    results because this run passes over them, by reason."""

    missing: int = 0
    lost: int = 0
    renamed: int = 0
    renames: list[tuple[bytes, bytes]] = field(default_factory=list)
    missing_folders: list[FolderNotice] = field(default_factory=list)
    left_out: Counter[LeftOut] = field(default_factory=Counter)


@dataclass(kw_only=True)
class PhotosBehind:
    """Photos that older versions looked at. gone_meanwhile: those of which no file was there any more when their turn
    came; they wait. behind: photos that are behind still, in all folders: offline, failing, or left so on request;
    those that are missing do not count (not said when interrupted)."""

    gone_meanwhile: int = 0
    behind: int = 0


@dataclass(kw_only=True)
class RescoredFaces:
    """rescored: faces that the model in use now had not scored yet. waiting: faces that it still has not, because their
    photos could not be read or lie in folders that are not there (not said when interrupted); waiting_photos names a
    file of each that could not be read."""

    rescored: int = 0
    waiting: int = 0
    waiting_photos: list[Failure] = field(default_factory=list)


@dataclass(kw_only=True)
class ServedModel:
    """serving: whether searches use this run's model; unsearchable: faces that they do not find while it is not so,
    since the former model has not scored them."""

    serving: bool = False
    unsearchable: int = 0


@dataclass(kw_only=True)
class PublishedSnapshot:
    """snapshot_rebuilt; snapshot_problem: why it could not be (searches work without it)."""

    snapshot_rebuilt: bool = False
    snapshot_problem: CatalogueError | None = None


@dataclass(kw_only=True)
class PhotoNotices:
    """unlooked: how many pages and frames of the walked folders' photos nobody looks at, and unlooked_photos of how
    many photos; noticed: those of the photos that something is to be said of, such as that they are cut short. loud:
    access times of files or folders may have changed. unlisted: how many photos of an exhibit, by its reference, its
    manifest does not list."""

    unlooked: int = 0
    unlooked_photos: int = 0
    noticed: list[FolderNotice] = field(default_factory=list)
    loud: bool = False
    unlisted: dict[str, int] = field(default_factory=dict)


@dataclass(kw_only=True)
class RunReport(
    ComparedSets,
    FoundFiles,
    FileOutcomes,
    OpenedFiles,
    ChangedPhotos,
    GoneFiles,
    PhotosBehind,
    RescoredFaces,
    ServedModel,
    PublishedSnapshot,
    PhotoNotices,
):
    """What a run did: the results of its stages, as one. interrupted: it was asked to stop; logged: how it was
    logged."""

    interrupted: bool = False
    logged: Logged | None = None

    @classmethod
    def of(cls, *results: object, interrupted: bool) -> RunReport:
        """results: of the stages, each of another of the classes above."""
        fields: dict[str, Any] = {}
        for result in results:
            fields |= vars(result)
        return cls(**fields, interrupted=interrupted)

    def counts(self) -> dict[str, object]:
        """Its numbers, for the `runs` table."""
        return {
            "photos": self.photos,
            "unchanged": self.unchanged,
            "opened": self.opened,
            "indexed": self.indexed,
            "no_face": self.no_face,
            "failed": self.failed,
            "same_content": self.same_content,
            "faces": self.faces,
            "missing": self.missing,
            "lost": self.lost,
            "returned": self.returned,
            "renamed": self.renamed,
            "excluded": self.excluded,
            "online_only": self.online_only,
            "unlooked": self.unlooked,
            "again": self.again,
            "gained": self.gained,
            "unfound": self.unfound,
            "behind": self.behind,
            "rescored": self.rescored,
            "waiting": self.waiting,
            "interrupted": self.interrupted,
            "others": dict(self.others),
            "unsupported": dict(self.unsupported),
            "recognised": {kind.value: number for kind, number in self.recognised.items()},
            "sets": [{**each._asdict(), "kind": each.kind.value} for each in self.sets],
            "left_out": {why.value: number for why, number in self.left_out.items()},
            "unusable": len(self.unusable),
            "replaced": len(self.replaced),
        }
