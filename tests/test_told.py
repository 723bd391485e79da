"""Errors and notices: kinds and values go up, and only the command line speaks of commands and options."""

import ast
import inspect
import pickle
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from cli.main import app
from cli.report.remedies import REMEDIES, error_in_words
from cli.report.wording import NOTICES
from db.errors import CatalogueMissing, FaceHidden
from db.values.told import Told
from facesearch.errors import RequestError
from facesearch.query.errors import StatementError
from facesearch.vision.decoding.errors import PhotoError

ROOT = Path(__file__).parent.parent
BELOW = ("db", "facesearch", "indexer")
INTERNAL = {
    *("DamagedSnapshot", "NoPicture", "OutdatedSnapshot", "NoFileError", "_Stopped"),
    *(
        "NoMessageError",
        "WorkerDiedError",
        "UnforeseenInWorkerError",
        "DigestWantedError",
        "RunEndedError",
        "_WorkerLostError",
    ),
}
"""Exceptions that no user meets."""
STANDINGS = {"validated", "other version validated", "other network validated", "never validated"}
"""Notices that `cli.report.validated` words as clauses."""


def modules() -> Iterator[Path]:
    for room in BELOW:
        yield from sorted((ROOT / room).rglob("*.py"))


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string in a module, docstrings aside."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def commands() -> list[str]:
    return [each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands if each.callback]


def told_classes() -> set[type[Told]]:
    for file in modules():
        if file.name != "env.py":  # alembic's, which runs a migration
            import_module(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    found, waiting = set[type[Told]](), [Told]
    while waiting:
        more = [each for each in waiting.pop().__subclasses__() if each.__module__.partition(".")[0] in BELOW]
        found |= set(more)
        waiting += more
    return found


def test_nothing_below_the_command_line_names_a_command_or_an_option() -> None:
    of = "|".join(commands())
    names = re.compile(rf"(facesearch|`) ?({of})\b(?=[ `]|$)|(?<![\w-])--[a-z]|`make ")
    assert names.search("run `facesearch index`") and names.search("with --top") and names.search("and `index` takes")
    found = [
        f"{file.relative_to(ROOT)}:{line}: {text}"
        for file in modules()
        for line, text in texts(file)
        if names.search(text)
    ]
    assert found == []


def test_nothing_below_the_command_line_prints() -> None:
    for file in modules():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", (file, node.lineno)


def test_every_error_that_a_user_meets_has_a_kind() -> None:
    for file in modules():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(
                getattr(base, "id", "") in ("Exception", "OSError", "ValueError") for base in node.bases
            ):
                assert node.name in INTERNAL | {"Told"}, (file, node.name)


@pytest.fixture(scope="module")
def kinds() -> set[str]:
    return {kind for each in told_classes() for kind in each.kinds}


def test_every_kind_of_error_has_a_remedy_and_no_other_has(kinds: set[str]) -> None:
    assert set(REMEDIES) == kinds


def test_a_kind_means_one_thing() -> None:
    homes: dict[str, set[type[Told]]] = {}
    for each in told_classes():
        for kind in each.kinds:
            homes.setdefault(kind, set()).add(each)
    for kind, classes in homes.items():
        root = min(classes, key=lambda each: len(each.__mro__))
        assert all(issubclass(each, root) for each in classes), kind


def test_the_closed_list_of_error_kinds_is_complete(kinds: set[str]) -> None:
    assert set(documented("## Errors")) == kinds


def documented(heading: str) -> dict[str, list[str]]:
    """Kind and names of the values, from a table of docs/notices.md."""
    text = (ROOT / "docs" / "notices.md").read_text(encoding="utf-8")
    rows = text.partition(heading)[2].partition("\n## ")[0].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if row.startswith("| `")]
    assert len({row[0] for row in cells}) == len(cells)
    return {row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in cells}


@pytest.mark.parametrize(
    ("error", "cause", "sentence"),
    [
        (
            CatalogueMissing("There is no catalogue at /a: index a folder first.", path="/a"),
            "There is no catalogue at /a: index a folder first.",
            "There is no catalogue at /a: index a folder first (facesearch index FOLDER), or name another file with "
            "--catalogue.",
        ),
        (
            FaceHidden("Face 3 is passed over.", "face left out", face=3, why="hidden"),
            "Face 3 is passed over.",
            "Face 3 is passed over: `facesearch index --everything` brings it back.",
        ),
        (
            StatementError("several persons", ("man", "woman"), values={"persons": 2}),
            "The statement describes 2 persons: choose one.",
            "The statement describes 2 persons: choose one with --person N.",
        ),
        (
            RequestError("unknown attribute", {"line": 2, "file": "{a}.tsv", "attribute": "Tall"}),
            'Line 2 of {a}.tsv: "Tall" is none of the 40 attributes.',
            'Line 2 of {a}.tsv: "Tall" is none of the 40 attributes (`facesearch attributes` lists them).',
        ),
        (PhotoError("it is {empty}", retry=False), "it is {empty}", "it is {empty}"),
        (ValueError("of nobody's"), "of nobody's", "of nobody's"),
    ],
)
def test_the_remedy_is_added_to_the_cause(error: Exception, cause: str, sentence: str) -> None:
    assert (str(error), error_in_words(error)) == (cause, sentence)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), cause, vars(error))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no kind 'lost'"):
        CatalogueMissing("It is lost.", "lost")


def test_values_that_a_remedy_fills_in_are_given_wherever_its_kind_is(kinds: set[str]) -> None:
    """A remedy with a value that the error lacks would break down before the eyes of the user."""
    raised = dict(errors_raised())
    for kind in kinds:
        remedy = REMEDIES[kind]
        if remedy is None or kind not in raised:
            continue
        source = inspect.getsource(remedy) if callable(remedy) else remedy
        wanted = re.findall(r"values\[['\"](\w+)", source) if callable(remedy) else re.findall(r"\{(\w+)\}", remedy)
        assert set(wanted) <= raised[kind], kind


def errors_raised() -> Iterator[tuple[str, set[str]]]:
    """Kind and values of each error that is made with its kind named, or of a class with one kind."""
    classes = {each.__name__: each for each in told_classes()}
    for file in modules():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") in classes and node.keywords):
                continue
            if getattr(node.func, "id", "") != "StatementError":  # which takes its values as one
                literal = [arg.value for arg in node.args[1:] if isinstance(arg, ast.Constant)]
                kind = literal[-1] if literal else classes[node.func.id].kinds[0]  # type: ignore[attr-defined]
                yield str(kind), {str(each.arg) for each in node.keywords}


def test_the_values_that_errors_give_are_in_the_list() -> None:
    known = documented("## Errors")
    for kind, values in errors_raised():
        assert values <= set(known[kind]), kind


def notices_made() -> Iterator[tuple[str, set[str] | None]]:
    """Kind and values of every notice that is made; None where the values are not written down there."""
    for file in modules():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Notice"):
                continue
            kinds = [each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant)]
            given = node.args[1] if len(node.args) > 1 else ast.Dict([], [])
            values = {ast.literal_eval(key) for key in given.keys if key} if isinstance(given, ast.Dict) else None
            for kind in kinds:
                yield str(kind), values


def test_every_kind_of_notice_has_words_and_a_row_and_no_other_has() -> None:
    made = {kind for kind, _ in notices_made()}
    assert set(documented("## Notices")) == made
    assert set(NOTICES) | STANDINGS == made


def test_the_values_that_notices_give_are_in_the_list() -> None:
    known = documented("## Notices")
    for kind, values in notices_made():
        assert values is None or values == set(known[kind]), kind
