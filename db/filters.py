"""What a photo must be like for its faces to be searched: where it lies, its name, when and with what it was taken."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PhotoFilter:
    """A photo passes when it meets every condition that is set; an empty one is not set.

    folder: the photo lies in one of these folders or below it: an absolute path, or whole trailing parts of one, such
        as "holiday/2019" for everything in .../holiday/2019. Upper and lower case differ, as in paths.
    name: the file's name, without its folder, is like one of these: with `*` (any characters) or `?` (any one) the
        whole name has to match, without them it has to contain this text. Upper and lower case are the same.
    taken_from, taken_to: bounds, both inclusive, of the day on which the photo was taken, by the camera's own clock
        (EXIF DateTimeOriginal). A photo without a date passes neither.
    camera: make and model ("Canon EOS 80D") contain one of these texts. Upper and lower case are the same.

    Folder and name are met by one and the same file: a photo with several copies passes when one that is not known to
    be missing does. Texts hold surrogate escapes for bytes that are no UTF-8, as Python gives them (`os.fsdecode`).
    """

    folder: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    taken_from: date | None = None
    taken_to: date | None = None
    camera: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether any condition is set."""
        return bool(self.folder or self.name or self.taken_from or self.taken_to or self.camera)
