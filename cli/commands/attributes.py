"""`facesearch attributes`: what can be asked for, and how far the answers can be relied on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode
from cli.terminal.console import results

_LISTED = 5

UNFAIR = "What the network learnt of them follows colour of skin and origin more than the face."
WITNESS = (
    "How often witnesses are wrong who say this. Faces with a score below .1 stand in the order of a witness who errs "
    'so: a word that is wrong at the rate e counts as "word:w" with w = (1 - 2e) / (1 - e). Rates of your own: a table '
    "with the columns attribute, present, absent (and near, to_near, source), given to --witness-file here and to "
    "`search`."
)


def attributes(
    all_words: Annotated[
        bool, typer.Option("--all-words", help="Every word that means the attribute alone, not only the first few.")
    ] = False,
    witness: Annotated[
        bool, typer.Option("--witness", help="Instead: how often witnesses err in each word, and where that is from.")
    ] = False,
    witness_file: options.WitnessFileOption = None,
    checkpoint: options.CheckpointOption = None,
) -> int:
    """List the 40 attributes, their groups, how reliable the network is on each, and words for them.

    Grades are measured on faces held out of training, each judged without its person: average precision against the
    share that have the attribute. No grade is better than the labels it was measured against.
    """
    if witness or witness_file is not None:
        return _witness(witness_file)
    from cli.report.tables import new_table
    from facesearch.attributes import ATTRIBUTES, FOLLOW_ORIGIN
    from facesearch.network.checkpoint import load_checkpoint
    from facesearch.query import words_for
    from facesearch.reliability import MEANINGS, RULE, UNGRADED, grades

    def listed(words: Sequence[str]) -> str:
        return ", ".join(words if all_words or len(words) <= _LISTED else [*words[:_LISTED], "..."])

    known = grades(load_checkpoint(checkpoint).scoring_model())
    table = new_table()
    table.add_column("attribute", no_wrap=True)
    table.add_column("group", no_wrap=True)
    table.add_column("grade", no_wrap=True)
    table.add_column("words")
    for each, grade in zip(ATTRIBUTES, known, strict=True):
        opposite = words_for(each, holds=False)
        words = listed(words_for(each)) + (f"; the opposite: {listed(opposite)}" if opposite else "")
        table.add_row(each.name, each.group.value, grade or UNGRADED, words)
    results().print(table)
    results().print()
    for grade in sorted({grade or UNGRADED for grade in known}, key=[*MEANINGS, UNGRADED].index):
        meaning = MEANINGS.get(grade, "not graded: this network was trained before grades were")
        results().print(f"{grade}: {meaning}", soft_wrap=True)
    results().print(RULE)
    unfair = ", ".join(ATTRIBUTES[index].name for index in sorted(FOLLOW_ORIGIN))
    results().print(f"Searched where somebody says them, never asked or proposed: {unfair}. {UNFAIR}")
    return ExitCode.FOUND


def _witness(file: Path | None) -> int:
    """The error rates that the order of unlikely faces reckons with."""
    from cli.report.tables import new_table
    from facesearch.attributes import ATTRIBUTES
    from facesearch.query.phrases import phrase
    from facesearch.search.ranking.witness import read_errors, shipped_errors

    table = new_table()
    for heading in ("attribute", "said", "wrong", "said", "wrong", "taken for", "source"):
        table.add_column(heading, no_wrap=heading != "source", justify="right" if heading == "wrong" else "left")
    for each, of in zip(ATTRIBUTES, shipped_errors() if file is None else read_errors(file), strict=True):
        near = ", ".join(phrase(index, True) for index in of.near)
        table.add_row(
            each.name,
            phrase(each.index, True),
            f"{100 * of.present:g} %",
            phrase(each.index, False),
            f"{100 * of.absent:g} %",
            f"{near} {100 * of.to_near:g} %" if near else "",
            of.source,
        )
    results().print(table)
    results().print()
    results().print(WITNESS, soft_wrap=True)
    return ExitCode.FOUND
