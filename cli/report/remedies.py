"""Errors as sentences for a person at a terminal: the cause, as the error says it, and the command or
option that helps.

What is raised below knows no command line; here every kind of error (docs/notices.md) has its words.
"""

from collections.abc import Callable
from typing import Any

from db.values.told import Told
from facesearch.errors import shortened

Remedy = str | Callable[[Any], str] | None
"""What goes on behind the cause, in place of its full stop, filled in with the error's values; a function where the
whole sentence is another; None where the cause says it all."""


def error_in_words(error: BaseException) -> str:
    """What a person reads of an error: one sentence with the cause and the remedy."""
    if not isinstance(error, Told):
        return str(error)
    remedy = REMEDIES[error.kind]
    if callable(remedy):
        return remedy(error)
    return str(error) if remedy is None else f"{str(error).removesuffix('.')}{remedy.format(**error.values)}."


_IN_SQL: dict[str, Callable[[str], str]] = {
    "name": lambda cause: f"{cause[:-1]}, or use `facesearch search`.",
    "text": lambda cause: f"{cause[:-1]}, or use `facesearch search`.",
    "probe": lambda cause: f"{cause[:-1]}: use `facesearch similar`.",
    "copies": lambda cause: cause,
    "entangled": lambda cause: cause.replace(
        "or ask for the order of the scores", "give --strict-order, or use `facesearch search`"
    ),
}
"""What helps where a part of a description cannot be said in SQL."""

_LEFT_OUT = {"excluded": "--include PATTERN", "hidden": "--everything"}

REMEDIES: dict[str, Remedy] = {
    # the catalogue
    "no home": " with --catalogue",
    "no catalogue": " (facesearch index FOLDER), or name another file with --catalogue",
    "empty catalogue": " (facesearch index FOLDER), or name another file with --catalogue",
    "no database": " with --catalogue",
    "folder": " with --catalogue",
    "other database": " with --catalogue",
    "without log": " with `facesearch backup`",
    "no backup": None,
    "not a backup": lambda error: (
        f"{error.values['path']} is no backup: name a file that `facesearch backup` has written "
        f"({error_in_words(error.values['why'])})"
    ),
    "newer catalogue": None,
    "busy": None,
    "index run": ", or use another --catalogue",
    "sealed": ", or with another --catalogue",
    "read-only": None,
    "read-only disk": " with --catalogue",
    "no room": None,
    "catalogue unreadable": None,
    "catalogue unusable": None,
    "damaged": None,
    "damaged row": ": `facesearch check` says where, and `facesearch check --repair` mends what can be mended",
    "defects": ": `facesearch check` says what can be done",
    # folders, photos and faces in it
    "unknown folder": ": `facesearch roots` lists those that are",
    "unknown exhibit": ": `facesearch roots` lists them",
    "indexed folder": "; `facesearch index {folder}` finds its photos there, too",
    "unknown photo": None,
    "unknown face": ": `facesearch search` prints the numbers",
    "forgotten face": None,
    "unfound face": None,
    "unscored face": ": run `facesearch index` to complete them",
    "face gone": " and run `facesearch index`",
    "face replaced": ", and `facesearch index FOLDER` brings it back",
    "face of a known file": ": `facesearch status` names the sets",
    "face left out": lambda error: (
        f"{str(error).removesuffix('.')}: `facesearch index {_LEFT_OUT[error.values['why']]}` brings it back."
    ),
    # what is asked
    "usage": None,
    "description": None,
    "search": None,
    "change": None,
    "probe": None,
    "which face": None,
    "photo": None,
    "nothing indexed": ": run `facesearch index FOLDER` on a folder with photos of faces",
    "other attributes": ": run `facesearch index` to score them again",
    "other network": ": run `facesearch index` to score all faces again, or use the other checkpoint",
    "face taken out": ", or run `facesearch index` if its photo is still there",
    # requests, musts and error rates
    "unreadable": None,
    "no columns": " (`facesearch attributes --witness` shows one)",
    "unknown attribute": " (`facesearch attributes` lists them)",
    "no rate": None,
    "twice": None,
    "nothing counts": None,
    "must lacks words": None,
    "must is no part": None,
    "must is not scored": lambda error: (
        f'"{shortened(error.values["words"])}" cannot be a must: {error_in_words(error.values["why"])}'
    ),
    "must says more": None,
    "must filters": None,
    "must contradicts": None,
    "no request": None,
    "newer request": None,
    "another catalogue": None,
    "no face": None,
    "which catalogue": None,
    "other catalogue": " with --catalogue",
    "one catalogue": None,
    "several networks": ": run `facesearch index` with one --checkpoint on each",
    "no reason": lambda error: str(error).replace("with a reason", "with --reason"),
    "export": None,
    "not in SQL": lambda error: _IN_SQL[error.values["part"]](str(error)),
    # statements
    "two readings": None,
    "contradiction": None,
    "language": None,
    "too long": None,
    "too many": None,
    "nothing": ' ("facesearch attributes" lists it)',
    "not understood": ", or search without --strict",
    "several persons": " with --person N",
    "no such person": lambda error: (
        f"The statement describes {error.values['persons']} persons, and --person {error.values['person']} is none of "
        "them."
    ),
    "search language": None,
    # cases
    "case": None,
    "no such case": ": `facesearch case list` shows those that there are",
    "case exists": None,
    "case closed": lambda error: str(error).replace(
        "open it again", "open it again (`facesearch case close --reopen`)"
    ),
    "not in case": None,
    "no such part": ": `facesearch case show` lists what there is",
    "no search row": lambda error: (
        str(error)
        .replace("ask others again", "`facesearch audit --kind search` lists them; ask others again")
        .replace("for the case", "with --case")
    ),
    "options unknown": lambda error: str(error).replace("for the case", "with --case"),
    "case text": None,
    # policies
    "policy": None,
    "policy refuses": None,
    "policy demands": lambda error: (
        f"{str(error)[:-1]}: give it before the command, as in `facesearch "
        f"{' '.join(f'--{each} ...' for each in error.values['lacking'])} search ...`."
    ),
    # network and detector
    "checkpoint": None,
    "no checkpoint": ": name a file that `facesearch train` wrote",
    "checkpoint of another version": ": name a file that this version's `facesearch train` wrote",
    "no device": ": choose --device auto, cpu or cuda",
    "no GPU": ": choose --device cpu, or install a CUDA build with `make gpu`",
    "detector": None,
    "detector file": ": check --detector-model",
    "no detector": ", or name a YuNet file with --detector-model",
    # training and validation
    "recipe": None,
    "start": None,
    "start not wanted": ": leave --start away",
    "training": None,
    "weights": None,
    "teacher": None,
    "data set": None,
    "no attribute": lambda error: (
        f"{error.values['path']} has a column {error.values['column']!r}, which is none of the 40 attributes: use "
        "their official names (`facesearch attributes`), or remove the column."
    ),
    "work in use": ", or name another --work",
    "validation": None,
    "sample of another catalogue": ": name the one that they were drawn from with --catalogue, or draw a new sample in "
    "another folder",
    # indexing
    "nothing to index": ", as in `facesearch index FOLDER`",
    "pattern": None,
    "pattern of two lines": ": give each with an --exclude of its own",
    "pattern unknown": ": `facesearch roots` shows what is, as it has to be spelled",
    "not the moved folder": "; `facesearch index {folder}` adds it as a folder of its own",
    "catalogue among photos": " with --catalogue",
    "manifest": None,
    "hash set": None,
    "no such category": "; name these with --category",
    "which category": lambda error: f"{str(error)[:-1]}, as in --category {error.values['names'][-1]}.",
    "no such hash set": None,
    "no worker process": None,
    "unusable folders": None,
    # clusters
    "mapping": None,
    "no ray": " with pip install 'facesearch[ray]'",
    "no cluster": None,
    "open cluster": " (docs/scale.md), or say --trust-cluster if nobody else reaches it",
    "no node": None,
    "node unusable": None,
    "node differs": None,
    "nodes lost": "; if they do not see the photos, --map says where these lie there, and --ship sends them",
}
