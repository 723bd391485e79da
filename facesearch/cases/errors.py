"""What can be wrong with what is asked of a case. The message is one sentence: the cause and the remedy."""

# ruff: noqa: N818  (each is named after what is wrong)

from facesearch.errors import UsageError


class CaseError(UsageError, kinds=("case",)):
    """Base of these."""


class CaseUnknown(CaseError, kinds=("no such case",)):
    """The catalogue has no case of this reference."""


class CaseExists(CaseError, kinds=("case exists",)):
    """It has one already."""


class CaseClosed(CaseError, kinds=("case closed",)):
    """Nothing is added to it any more."""


class PartUnknown(CaseError, kinds=("not in case", "no such part", "no search row", "options unknown")):
    """The case has no such statement, search, mark or list."""


class BadText(CaseError, kinds=("case text",)):
    """A reference, name, note or statement that cannot be kept."""
