"""Where one face stands in a search, and what keeps it from the front."""

import json as json_module
from collections.abc import Iterator

from cli.errors import ExitCode
from cli.report.tables import MARKS, score_in_words
from cli.terminal.console import printable, results
from facesearch.search.hits import Hit
from facesearch.search.rank_of import RankOf
from facesearch.search.ranking.explain import Mark


def print_rank(found: RankOf, *, json: bool) -> ExitCode:
    """On stdout; whether the face is among those that the search orders."""
    if json:
        print(json_module.dumps(_record(found), ensure_ascii=False, indent=2))
    else:
        for sentence in rank_in_words(found):
            results().print(printable(sentence), soft_wrap=True)
    return ExitCode.FOUND if found.hit is not None else ExitCode.NOTHING


def rank_in_words(found: RankOf) -> Iterator[str]:
    """A sentence or more."""
    hit = found.hit
    if hit is None:
        yield f"Face {found.face} is left out by {found.dropped_by}."
        return
    of_best = "" if found.best is None or hit.rank == 1 else f"; the best has {score_in_words(found.best)}"
    score = score_in_words(hit.score)
    yield f"Face {found.face} stands at rank {hit.rank:,} of {found.of:,}, with a score of {score}{of_best}."
    if hit.behind:
        lacking = ", ".join(hit.behind)
        yield f"It stands behind all faces that have what must hold, since it is judged to lack: {lacking}."
    if hit.fit is not None:
        yield f"It fits {hit.fit}."
    yield from _words(hit)
    if hit.hard:
        yield f"It is hard to judge ({' and '.join(hit.hard)}): what is not seen on it seems not to be there."


def _words(hit: Hit) -> Iterator[str]:
    for title, marks in (("Does not fit", (Mark.FITS_NOT,)), ("Unsure", (Mark.UNSURE,)), ("Fits", (Mark.FITS,))):
        some = [
            f"{each.words} {each.percent} % {MARKS[each.mark]}{' (cost the score most)' if each.cost_most else ''}"
            for each in hit.asked
            if each.mark in marks
        ]
        if some:
            yield f"{title}: {', '.join(some)}."


def _record(found: RankOf) -> dict[str, object]:
    hit = found.hit
    return {
        "face": found.face,
        "rank": None if hit is None else hit.rank,
        "of": found.of,
        "score": None if hit is None else hit.score,
        "best": found.best,
        "left_out_by": found.dropped_by,
        "behind": [] if hit is None else list(hit.behind),
        "words": []
        if hit is None
        else [{"words": each.words, "percent": each.percent, "mark": each.mark.value} for each in hit.asked],
    }
