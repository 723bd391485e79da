"""What can be wrong with a catalogue: each error has a kind and values, and says its cause in one sentence."""

# ruff: noqa: N818  (each is named after what is wrong; "Error" would add nothing)

from db.values.told import Told


class CatalogueError(Told, kinds=("catalogue unusable",)):
    """The catalogue cannot be used as asked."""


class NoHome(CatalogueError, kinds=("no home",)):
    """The user has no home directory, and no catalogue is named."""


class CatalogueMissing(CatalogueError, kinds=("no catalogue", "empty catalogue", "no backup")):
    """There is no catalogue at this path, or an empty file in its place."""


class NotACatalogue(CatalogueError, kinds=("no database", "folder", "other database", "without log", "not a backup")):
    """The path names something else: a folder, a text file, another program's database."""


class CatalogueTooNew(CatalogueError, kinds=("newer catalogue",)):
    """A newer version of the program wrote it."""


class CatalogueBusy(CatalogueError, kinds=("busy", "index run")):
    """Another process holds it. Trying again later helps."""


class CatalogueSealed(CatalogueError, kinds=("sealed",)):
    """Its owner has sealed the catalogue."""


class CatalogueReadOnly(CatalogueError, kinds=("read-only", "read-only disk")):
    """It can be searched where it lies, but not changed."""


class CatalogueFull(CatalogueError, kinds=("no room",)):
    """The disk, the quota or the allowed file size is used up."""


class CatalogueUnreadable(CatalogueError, kinds=("catalogue unreadable",)):
    """The system refuses to open, read or write it (permissions, a failing disk)."""


class CatalogueDamaged(CatalogueError, kinds=("damaged", "damaged row", "defects")):
    """Its content contradicts itself."""


def damaged_row(what: str) -> CatalogueDamaged:
    """For a row that does not hold what it should. what: what cannot be read, as a noun."""
    return CatalogueDamaged(
        f"The catalogue is damaged ({what} cannot be read in one of its rows).", "damaged row", what=what
    )


class RootUnknown(CatalogueError, kinds=("unknown folder", "unknown exhibit")):
    """The named folder was never indexed."""


class PhotoUnknown(CatalogueError, kinds=("unknown photo",)):
    """The catalogue knows of no photo under this path, or in this folder."""


class RootTaken(CatalogueError, kinds=("indexed folder",)):
    """The named folder is already an indexed one, holds one, or lies within one."""


class FaceUnknown(CatalogueError, kinds=("unknown face",)):
    """There never was such a face, or it was deleted. Base of the other reasons why there is nothing to show."""


class FaceForgotten(FaceUnknown, kinds=("forgotten face",)):
    """It was taken out for good."""


class FaceHidden(FaceUnknown, kinds=("face gone", "face replaced", "face left out", "face of a known file")):
    """No file of its photo is there any more."""


class FaceUnfound(FaceUnknown, kinds=("unfound face",)):
    """The last look at its photo did not find it again."""


class FaceUnscored(FaceUnknown, kinds=("unscored face",)):
    """The model in question has not scored it."""
