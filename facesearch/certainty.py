"""How much a word counts that a witness says who errs now and then."""

import math

from facesearch.errors import UsageError


def certainty_of(error: float) -> float:
    """w = (1 - 2e) / (1 - e), with which a word stands in a description when witnesses err in it at rate `error`.

    They say it of a face with the probability (1 - e) p + e (1 - p), where p is that of the word. But for a constant
    factor that is 1 - w (1 - p), the factor of a hedged word. Rounded so that the distance to 1, and w itself, keep
    four digits: what is printed is exactly what is computed with. Raises UsageError unless 0 <= error < .5; at .5 a
    word would say nothing.
    """
    if not 0.0 <= error < 0.5:  # also true for NaN
        raise UsageError(f"A witness who errs at a rate of {error} tells nothing: give a number from 0 to below 0.5.")
    certainty = (1.0 - 2.0 * error) / (1.0 - error)
    margin = min(certainty, 1.0 - certainty)
    return round(certainty, 3 - math.floor(math.log10(margin))) if margin > 0 else certainty


def error_of(certainty: float) -> float:
    """The error rate that a certainty stands for: the inverse of `certainty_of`, but for its rounding."""
    return (1.0 - certainty) / (2.0 - certainty)
