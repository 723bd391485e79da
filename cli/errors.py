"""Exceptions of every room as one sentence on stderr and an exit code. Only here stands what the codes mean."""

import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum

import typer

from cli.terminal.console import printable, say
from db.errors import CatalogueError, RootTaken, RootUnknown
from facesearch.errors import FacesearchError, RequestError, UsageError
from indexer.errors import BadPattern, IndexerError, NothingToIndex, WrongFolder


class ExitCode(IntEnum):
    """What a script that calls the program can rely on."""

    FOUND = 0
    NOTHING = 1  # no face matched; score: no face in any photo
    USAGE = 2  # a wrong option, query or recipe, a probe with several faces
    UNUSABLE = 3  # the catalogue or a file cannot be used
    SOME_FAILED = 4  # index --strict
    FAULT = 70  # a fault of this program (EX_SOFTWARE of sysexits.h)
    INTERRUPTED = 130  # Ctrl-C, as shells report it
    BROKEN_PIPE = 141  # nobody reads stdout any more, as shells report it


class UsageProblem(Exception):  # noqa: N818 (named after what is wrong)
    """A request that makes no sense as it stands. The message is the sentence; `lines` stand below it."""

    def __init__(self, sentence: str, lines: tuple[str, ...] = ()) -> None:
        super().__init__(sentence)
        self.lines = lines


class FileProblem(Exception):  # noqa: N818
    """A file that cannot be used as asked."""


_USAGE = (UsageProblem, UsageError, NothingToIndex, BadPattern, WrongFolder, RootUnknown, RootTaken)
_UNUSABLE = (FileProblem, CatalogueError, FacesearchError, IndexerError)


def reported(action: Callable[[], int]) -> int:
    """Run a command; its exit code, or that of the exception it ended with, which is put into words here."""
    try:
        code = action()
        sys.stdout.flush()
        return code
    except typer.Exit as end:
        return end.exit_code
    except typer.TyperException as error:
        return _usage_error(error)
    except _USAGE as error:
        say(f"Error: {in_words(error)}")
        for line in getattr(error, "lines", ()):
            say(line)
        return ExitCode.USAGE
    except _UNUSABLE as error:
        say(f"Error: {error}")
        return ExitCode.UNUSABLE
    except (KeyboardInterrupt, typer.Abort):
        say("Interrupted.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _give_up_stdout()
        return ExitCode.BROKEN_PIPE
    except OSError as error:
        if working_folder_is_lost():
            say(
                "Error: the working folder is no longer there: change into another one (cd), or name all files and "
                "folders by absolute paths."
            )
            return ExitCode.UNUSABLE
        say(f"Error: the system refused to go on ({error}): free some space or check permissions, and run it again.")
        _give_up_stdout()
        return ExitCode.UNUSABLE
    except Exception:
        traceback.print_exc()
        say("Error: this is a fault of facesearch; the catalogue keeps all that was stored before.")
        return ExitCode.FAULT


def in_words(error: Exception) -> str:
    """The sentence of an error; some say only their kind, with values."""
    if isinstance(error, RequestError):
        from cli.report.wording import request_in_words

        return printable(request_in_words(error))
    if getattr(error, "kind", None) is None or getattr(error, "readings", None) is None:
        return str(error)
    from cli.report.wording import error_in_words
    from facesearch.query.errors import StatementError

    return printable(error_in_words(error)) if isinstance(error, StatementError) else str(error)


def working_folder_is_lost() -> bool:
    """Whether the folder that relative paths start from is gone."""
    try:
        os.getcwd()  # noqa: PTH109
    except OSError:
        return True
    return False


def _give_up_stdout() -> None:
    """What is still buffered would fail again when the interpreter flushes it at its end."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 (a device, not a path of ours)
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _usage_error(error: typer.TyperException) -> int:
    """What Typer found wrong with the command line; without a message, it has printed the help."""
    message = error.format_message().strip()
    if message:
        say(f"Error: {printable(message)}")
        context = getattr(error, "ctx", None)
        if context is not None:
            say(f"Try: {context.command_path} --help")
    return ExitCode.USAGE
