"""`facesearch search`: faces that fit a description."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from cli import options
from cli.console import say
from facesearch.errors import QueryError

if TYPE_CHECKING:
    from facesearch.query import Query


class DescriptionCommand(TyperCommand):
    """A command whose words may begin with one dash ("-smiling, young"); options begin with two, so a mistyped one is
    still an error."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with_value = {
            name for each in self.params if isinstance(each, TyperOption) and not each.is_flag for name in each.opts
        }
        return super().parse_args(ctx, _words_last(args, with_value))


def _words_last(arguments: Iterable[str], with_value: set[str]) -> list[str]:
    """The same command line with all that is no option behind a "--"."""
    given: list[str] = []
    words: list[str] = []
    rest = iter(arguments)
    for each in rest:
        if each == "--":
            words.extend(rest)
        elif not each.startswith("--"):
            words.append(each)
        else:
            given.append(each)
            if each in with_value:
                given.extend(value for value in [next(rest, None)] if value is not None)
    return [*given, "--", *words] if words else given


def search(
    context: typer.Context,
    description: Annotated[
        list[str], typer.Argument(metavar="DESCRIPTION", help='Such as "male, goatee, not bald".', show_default=False)
    ],
    catalogue: options.CatalogueOption = None,
    top: options.TopOption = "20",
    min_score: options.MinScoreOption = 0.0,
    min_detection: options.MinDetectionOption = 0.8,
    csv: options.CsvOption = None,
    html: options.HtmlOption = None,
    json: options.JsonOption = False,
    all_attributes: options.AllAttributesOption = False,
) -> int:
    """Find the faces that fit a description, best first.

    A comma, "and" or "with" means that both must hold; "or" joins its neighbours: "blond or gray hair, woman". "not",
    "no", "without" and a leading dash deny: "-smiling, young". `facesearch attributes` lists the words.

    The score is the probability that all of the description holds. A hit is a lead, not evidence.
    """
    from cli.results import Heading, opened, present, wanted
    from facesearch.search import search as search_faces

    query = _parsed(" ".join(description))
    limit = options.top_of(top)
    path = options.catalogue_of(context, catalogue)
    with (
        wanted(csv=csv, html=html, json=json, all_attributes=all_attributes, never=[path]) as outputs,
        opened(path) as source,
    ):
        say(f"Searching for: {query}")
        for remark in query.remarks:
            say(remark)
        result = search_faces(source, query, top=limit, min_score=min_score, min_detection=min_detection)
        heading = Heading(
            kind="Faces that fit a description",
            title=str(query),
            score="score",
            facts=[("Asked", query.text), *(("Remark", each) for each in query.remarks)],
            attributes=tuple(dict.fromkeys(each.attribute for each in query.asked)),
        )
        return present(result, heading, outputs, path)


def _parsed(text: str) -> "Query":
    from facesearch.query import parse

    try:
        return parse(text)
    except QueryError as error:
        _point(text, error.position)
        raise


def _point(text: str, position: int) -> None:
    """Shows where in the description the trouble begins, if a terminal can."""
    from rich.cells import cell_len

    if text.strip() and text.isprintable() and cell_len(text) < 76 and position <= len(text):
        say(f"  {text}")
        say(f"  {' ' * cell_len(text[:position])}^")
