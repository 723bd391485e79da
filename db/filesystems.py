"""What the file system under a path can be relied on for: locks, change times, block counts, access times."""

import os
from pathlib import Path

from db.paths import AnyPath

MOUNTS = Path("/proc/self/mounts")
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "fuse.rclone", "davfs"}
)
_FAT = frozenset({"vfat", "msdos", "exfat"})  # keep a creation time where others keep the change time
_WINDOWS_ATTRIBUTES = {
    "cifs": "user.cifs.dosattrib",
    "smb3": "user.cifs.dosattrib",
    "ntfs3": "system.ntfs_attrib",
    "fuseblk": "system.ntfs_attrib",  # ntfs-3g
}
_QUIET = frozenset({"noatime", "ro"})


def network_filesystem(path: AnyPath, mounts: Path = MOUNTS) -> str | None:
    """The kind of network file system that `path` lies on (nfs4, cifs, ...), or None.

    mounts: the system's table of mounts; where there is none, as on macOS, the answer is None.
    """
    kind, _ = _mount(path, mounts)
    return kind if kind in _NETWORK else None


def without_change_times(path: AnyPath, mounts: Path = MOUNTS) -> str | None:
    """The kind of file system that `path` lies on if its change times (ctime) say nothing; None if they tell an edit.

    They say nothing on network shares, where a server's clock or a client's guess stands behind them, on FAT and exFAT,
    which keep none, and on what programs serve (FUSE), unless it is a disk (fuseblk).
    """
    kind, _ = _mount(path, mounts)
    return kind if kind in _NETWORK or kind in _FAT or kind.startswith("fuse.") else None


def counts_blocks(path: AnyPath, mounts: Path = MOUNTS) -> bool:
    """Whether a file that has a size and no block holds nothing here: what programs serve (FUSE) may count none."""
    kind, _ = _mount(path, mounts)
    return not kind.startswith("fuse.")


def windows_attributes(path: AnyPath, mounts: Path = MOUNTS) -> str | None:
    """The extended attribute under which Windows' attributes of a file can be read here, if any."""
    return _WINDOWS_ATTRIBUTES.get(_mount(path, mounts)[0])


def keeps_access_times(path: AnyPath, mounts: Path = MOUNTS) -> bool:
    """Whether reading a file leaves its access time alone, whoever reads it and however."""
    _, options = _mount(path, mounts)
    return not _QUIET.isdisjoint(options)


def _mount(path: AnyPath, mounts: Path) -> tuple[str, tuple[str, ...]]:
    """Kind and options of the file system that holds `path`; "" and none where nobody says."""
    try:
        lines = mounts.read_bytes().splitlines()
    except OSError:
        return "", ()
    target = os.fsencode(os.path.realpath(path))
    best, found = b"", [b"", b""]
    for line in lines:
        fields = line.split(b" ")
        if len(fields) < 4:
            fields += [b""] * (4 - len(fields))
        if not fields[2]:
            continue
        point = fields[1].decode("unicode_escape").encode("latin-1").rstrip(b"/")
        # A later mount on the same point hides the earlier one.
        if (target == point or target.startswith(point + b"/")) and len(point) >= len(best):
            best, found = point, fields[2:4]
    kind, options = (each.decode("ascii", "replace") for each in found)
    return kind, tuple(options.split(","))
