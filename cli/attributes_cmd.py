"""`facesearch attributes`: what can be asked for."""

from cli.console import results
from cli.errors import ExitCode


def attributes() -> int:
    """List the 40 attributes, their groups, and the words that a description may use for them."""
    from cli.output import new_table
    from facesearch.attributes import ATTRIBUTES
    from facesearch.query import words_for

    table = new_table()
    table.add_column("attribute", no_wrap=True)
    table.add_column("group", no_wrap=True)
    table.add_column("words")
    for each in ATTRIBUTES:
        words = ", ".join(words_for(each))
        opposite = ", ".join(words_for(each, holds=False))
        table.add_row(each.name, each.group.value, words + (f"; the opposite: {opposite}" if opposite else ""))
    results().print(table)
    return ExitCode.FOUND
