"""What can be wrong with what is asked of a case. The message is one sentence: the cause and the remedy."""

# ruff: noqa: N818  (each is named after what is wrong)

from facesearch.errors import UsageError


class CaseError(UsageError):
    """Base of these."""


class CaseUnknown(CaseError):
    """The catalogue has no case of this reference."""


class CaseExists(CaseError):
    """It has one already."""


class CaseClosed(CaseError):
    """Nothing is added to it any more."""


class PartUnknown(CaseError):
    """The case has no such statement, search, mark or list."""


class BadText(CaseError):
    """A reference, name, note or statement that cannot be kept."""
