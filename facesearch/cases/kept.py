"""Whether a search was kept in the case that it was made for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """case: its reference, as it was given. number: of the search in it; None where it was not kept, and then `problem`
    says why: "unknown" (the catalogue has no such case), "closed", or a sentence."""

    case: str
    number: int | None
    problem: str = ""
