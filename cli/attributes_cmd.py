"""`facesearch attributes`: what can be asked for."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cli.console import results
from cli.errors import ExitCode

_LISTED = 5


def attributes(
    all_words: Annotated[
        bool, typer.Option("--all-words", help="Every word that a description may use, not only the first few.")
    ] = False,
) -> int:
    """List the 40 attributes, their groups, and words that a description may use for them."""
    from cli.output import new_table
    from facesearch.attributes import ATTRIBUTES
    from facesearch.query import words_for

    def listed(words: Sequence[str]) -> str:
        return ", ".join(words if all_words or len(words) <= _LISTED else [*words[:_LISTED], "..."])

    table = new_table()
    table.add_column("attribute", no_wrap=True)
    table.add_column("group", no_wrap=True)
    table.add_column("words")
    for each in ATTRIBUTES:
        opposite = words_for(each, holds=False)
        words = listed(words_for(each)) + (f"; the opposite: {listed(opposite)}" if opposite else "")
        table.add_row(each.name, each.group.value, words)
    results().print(table)
    return ExitCode.FOUND
