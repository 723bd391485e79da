"""`facesearch attributes`: what can be asked for, and how far the answers can be relied on."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cli import options
from cli.console import results
from cli.errors import ExitCode

_LISTED = 5


def attributes(
    all_words: Annotated[
        bool, typer.Option("--all-words", help="Every word that means the attribute alone, not only the first few.")
    ] = False,
    checkpoint: options.CheckpointOption = None,
) -> int:
    """List the 40 attributes, their groups, how reliable the network is on each, and words for them.

    Grades are measured on faces held out of training, each judged without its person: average precision against the
    share that have the attribute. No grade is better than the labels it was measured against.
    """
    from cli.output import new_table
    from facesearch.attributes import ATTRIBUTES
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
    return ExitCode.FOUND
