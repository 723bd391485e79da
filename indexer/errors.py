"""What can go wrong in an index run: each error has a kind and values, and says its cause in one sentence."""

from db.values.told import Told


class IndexerError(Told, kinds=("unusable folders",)):
    """Base of everything this package raises for users to read."""


class NothingToIndex(IndexerError, kinds=("nothing to index",)):  # noqa: N818 (named after the problem)
    """No folder was named, and none is known."""


class BadPattern(IndexerError, kinds=("pattern", "pattern of two lines", "pattern unknown")):  # noqa: N818
    """A pattern of what to exclude that says nothing, or is none."""


class WrongFolder(IndexerError, kinds=("not the moved folder", "catalogue among photos")):  # noqa: N818
    """A folder that cannot be what it is said to be, or may not be used for this."""


class NoSuchSet(IndexerError, kinds=("no such hash set",)):  # noqa: N818
    """A set of known files that is to be given up, and by which no run went."""


class NoWorkerProcess(IndexerError, kinds=("no worker process",)):  # noqa: N818
    """Files are to be processed in other processes, and none can be started."""
