"""A result as a whole in sentences: how many faces were searched, whether somebody likely was found, why nobody was."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cli.report.command_line import search_command
from cli.report.heading import Heading
from cli.report.logged import kept_in_words, unlogged_in_words
from cli.report.tables import DIM_BELOW, score_in_words
from cli.report.unseen import unseen_in_words
from cli.report.wording import behind_in_words, counted, notice_in_words, notice_record, partial_in_words
from db.paths import is_there
from facesearch.errors import Notice
from facesearch.reliability import Hard, smallest_face
from facesearch.search.hits import FilterStep, SearchResult
from facesearch.search.several import labels

_LOOKED_FOR = 100
_LEAVE_OUT = "leave out"
_LAST = "must"
"""The advice that stands directly before the faces."""


def searched_in_words(result: SearchResult) -> str:
    """How many faces were searched, and how many each filter left out."""
    words = f"{result.faces:,}"
    if result.below_detection:
        words += f"; left out because their detection score is below --min-detection: {result.below_detection:,}"
    return words + "".join(f"; left out by {_filter(step)}: {step.left_out:,}" for step in result.filter_steps)


def _filter(step: FilterStep) -> str:
    """The filter as it is given on the command line."""
    return f"--min-face {step.values['least']:g}" if step.kind == "face size" else step.words


def hard_remarks(result: SearchResult) -> list[str]:
    """What "small" and "blurred" beside a hit mean, if one is."""
    found = {each for hit in result.hits for each in hit.hard}
    if not found:
        return []
    meanings = {Hard.SMALL: f"fewer than {smallest_face(result.model)} pixels", Hard.BLURRED: "probably out of focus"}
    told = ", ".join(f"{each} ({meanings[each]})" for each in Hard if each in found)
    return [f"Hard to judge: faces marked {told}. What is not seen on them seems not to be there."]


def missing_remarks(result: SearchResult) -> list[str]:
    """That photos of the first hits are not where the catalogue has them; of more it would take long to know."""
    first = result.hits[:_LOOKED_FOR]
    missing = sum(not is_there(hit.face.path) for hit in first)
    if not missing:
        return []
    hits = counted(len(first), "hit")
    of = f"the first {hits}" if len(result.hits) > len(first) else hits
    have = "has" if missing == 1 else "have"
    return [
        f"Of {of}, {missing} {have} a photo that is not there now: moved, deleted, or on a drive that is not connected "
        "(after a move, `facesearch roots --moved OLD NEW` says where they are now)."
    ]


def remarks_in_words(result: SearchResult) -> list[str]:
    """What is to be said of the faces that were searched and found, before the outcome."""
    said = [each for each in result.notices if each.kind != _LEAVE_OUT]
    names = labels([each.path for each in result.several])
    own = [(names[each.path], each.result) for each in result.several if each.result is not None]
    return [
        *partial_in_words(result.several),
        *(notice_in_words(each) for each in said if each.kind != _LAST),
        *unlogged_in_words(result.logged),
        *kept_in_words(result.kept),
        *unseen_in_words(result.unseen),
        *(f"{name}: {each}" for name, found in own for each in unlogged_in_words(found.logged)),
        *(f"{name}: {each}" for name, found in own for each in unseen_in_words(found.unseen)),
        *hard_remarks(result),
        *missing_remarks(result),
        *(notice_in_words(each) for each in said if each.kind == _LAST),
    ]


def behind_remarks(result: SearchResult) -> list[str]:
    """How many faces stand behind all others, where none of them is shown."""
    if not result.behind or any(hit.behind for hit in result.hits):
        return []
    return [behind_in_words(result.musts, result.behind, shown=False)]


def outcome_in_words(result: SearchResult, expects: bool, again: Mapping[str, Sequence[str]]) -> list[str]:
    """What is to be said of the result as a whole: which filter left nothing, whether a hit is likely, and without
    which word more would be; if `expects`, how many are expected to fit. again: the options of this search."""
    advice = [_advice(each, again) for each in result.notices if each.kind == _LEAVE_OUT]
    if not result.hits:
        return [_nothing(result), *advice]
    said = []
    if result.best is not None and result.best < DIM_BELOW:
        best = in_short(result.best)
        is_it = f"is {best}" if float(best.lstrip("<>")) < DIM_BELOW else f"is below {DIM_BELOW:g}"
        said.append(f"No likely match: the best score {is_it}.")
    said += advice
    said += behind_remarks(result)
    if expects and result.expected is not None:
        are = "is" if result.faces == 1 else "are"
        said.append(f"{_expected(result.expected)} of {counted(result.faces, 'face')} {are} expected to fit.")
    return said


def _advice(notice: Notice, again: Mapping[str, Sequence[str]]) -> str:
    """Which word to leave out, with the command."""
    command = search_command(str(notice.values["description"]), again)
    return notice_in_words(replace(notice, values={**notice.values, "description": command}))


def notice_records(result: SearchResult, heading: Heading) -> list[dict[str, Any]]:
    """What should be known of what was asked and found, for JSON; each message is one of the remarks."""
    return [
        {**notice_record(each), "message": _advice(each, heading.again)}
        if each.kind == _LEAVE_OUT
        else notice_record(each)
        for each in (*heading.notices, *result.notices)
    ]


def _nothing(result: SearchResult) -> str:
    """Which filter left no face, or that none reaches the least score."""
    if result.faces:
        best = "" if result.best is None else f"; the best has {in_short(result.best)}"
        return f"No face matched: none of the {counted(result.faces, 'face')} searched reaches --min-score{best}."
    for step in result.filter_steps:
        if not step.left and step.left_out:
            return f"No face matched: none of {counted(step.left_out, 'face')} passes the filter {_filter(step)}."
    narrowed = [step for step in result.filter_steps if step.left_out]
    if narrowed:
        return f"No face matched: nothing but what was started from passes the filter {_filter(narrowed[-1])}."
    if not result.below_detection:
        return "No face matched: there is no other face."
    faces = counted(result.below_detection, "face")
    return f"No face matched: all {faces} have a lower detection score than --min-detection."


def _expected(number: float) -> str:
    if number < 0.1:
        return "Fewer than 0.1"
    return f"About {number:.1f}" if number < 9.95 else f"About {number:,.0f}"


def in_short(score: float) -> str:
    """A score for a sentence: three decimals, or two digits of what is smaller than they can show."""
    return score_in_words(score) if score >= 0.001 or score == 0 else f"{score:.2g}"
