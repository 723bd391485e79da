"""What can be wrong with a catalogue. Each message is one sentence for the user: the cause and the remedy."""

# ruff: noqa: N818  (each is named after what is wrong; "Error" would add nothing)


class CatalogueError(Exception):
    """The catalogue cannot be used as asked. str(error) is shown to the user as it stands."""


class NoHome(CatalogueError):
    """The user has no home directory, and no catalogue is named."""


class CatalogueMissing(CatalogueError):
    """There is no catalogue at this path, or an empty file in its place."""


class NotACatalogue(CatalogueError):
    """The path names something else: a folder, a text file, another program's database."""


class CatalogueTooNew(CatalogueError):
    """A newer version of the program wrote it."""


class CatalogueBusy(CatalogueError):
    """Another process holds it. Trying again later helps."""


class CatalogueSealed(CatalogueError):
    """Its owner has sealed the catalogue."""


class CatalogueReadOnly(CatalogueError):
    """It can be searched where it lies, but not changed."""


class CatalogueFull(CatalogueError):
    """The disk, the quota or the allowed file size is used up."""


class CatalogueUnreadable(CatalogueError):
    """The system refuses to open, read or write it (permissions, a failing disk)."""


class CatalogueDamaged(CatalogueError):
    """Its content contradicts itself."""


def damaged_row(what: str) -> CatalogueDamaged:
    """For a row that does not hold what it should. what: what cannot be read, as a noun."""
    return CatalogueDamaged(
        f"The catalogue is damaged ({what} cannot be read in one of its rows): `facesearch check` says where, and "
        f"`facesearch check --repair` mends what can be mended."
    )


class RootUnknown(CatalogueError):
    """The named folder was never indexed."""


class PhotoUnknown(CatalogueError):
    """The catalogue knows of no photo under this path, or in this folder."""


class RootTaken(CatalogueError):
    """The named folder is already an indexed one, holds one, or lies within one."""


class FaceUnknown(CatalogueError):
    """There never was such a face, or it was deleted. Base of the other reasons why there is nothing to show."""


class FaceForgotten(FaceUnknown):
    """It was taken out for good."""


class FaceHidden(FaceUnknown):
    """No file of its photo is there any more."""


class FaceUnfound(FaceUnknown):
    """The last look at its photo did not find it again."""


class FaceUnscored(FaceUnknown):
    """The model in question has not scored it."""
