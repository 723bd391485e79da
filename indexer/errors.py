"""Errors whose message is the sentence a user sees: the cause and the remedy."""


class IndexerError(Exception):
    """Base of everything this package raises for users to read."""


class NothingToIndex(IndexerError):  # noqa: N818 (named after the problem)
    """No folder was named, and none is known."""


class BadPattern(IndexerError):  # noqa: N818
    """A pattern of what to exclude that says nothing, or is none."""


class WrongFolder(IndexerError):  # noqa: N818
    """A folder that cannot be what it is said to be, or may not be used for this."""


class NoSuchSet(IndexerError):  # noqa: N818
    """A set of known files that is to be given up, and by which no run went."""
