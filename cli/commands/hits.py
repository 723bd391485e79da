"""Print and write the hits of `search`, `similar` and `interview`, in every form that was asked for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.commands.outputs import Outputs, log_files, write_pages
from cli.errors import ExitCode
from cli.report.files import NewFile
from cli.report.heading import Heading
from cli.report.logged import logged_head, logged_record
from cli.report.remedies import error_in_words
from cli.report.summary import notice_records, outcome_in_words, remarks_in_words, searched_in_words
from cli.report.tables import print_table, to_stdout, write_csv, write_json
from cli.report.unseen import unseen_record
from cli.report.wording import behind_in_words
from cli.terminal.console import now_in_words, say
from facesearch.attributes import ATTRIBUTES, Attribute
from facesearch.search.hits import Searched, SearchResult
from facesearch.search.records import AUDIT_COLUMN, HIT_COLUMNS, Record, header, hit_last_columns, hit_records
from facesearch.search.several import labels

if TYPE_CHECKING:
    from cli.report.folders import NewFolder


@dataclass(frozen=True, slots=True)
class _Hits:
    """What every form of the hits is made of.

    catalogue: the one that was searched, where these are not several. outcome: how the search ended, a sentence each.
    """

    result: SearchResult
    heading: Heading
    catalogue: Path
    attributes: Sequence[Attribute]
    remarks: Sequence[str]
    outcome: Sequence[str]

    def columns(self, *, audit: bool = False) -> Sequence[str]:
        several, described = bool(self.result.several), self.heading.query is not None
        last = hit_last_columns(like=bool(self.heading.like), described=described, audit=audit, several=several)
        return header(HIT_COLUMNS, self.attributes, last)

    def records(self) -> Iterable[Record]:
        return hit_records(self.result, self.attributes, self.heading.like, self.heading.query is not None)

    def by_catalogue(self) -> list[tuple[Path, SearchResult]]:
        """Each catalogue that was searched, with what of the result is its own."""
        several = [(each.path, each.result) for each in self.result.several if each.result is not None]
        return several or [(self.catalogue, self.result)]


def write_hits(result: SearchResult, heading: Heading, outputs: Outputs, catalogue: Path) -> ExitCode:
    """Write and print the hits in every form that was asked for; whether there were any. catalogue: the one that was
    searched, where these are not several."""
    say(f"Faces searched: {searched_in_words(result)}")
    attributes = ATTRIBUTES if outputs.all_attributes else heading.attributes
    outcome = outcome_in_words(result, heading.expects, heading.again)
    hits = _Hits(result, heading, catalogue, attributes, remarks_in_words(result), outcome)
    for remark in hits.remarks:
        say(remark)
    if outputs.csv is not None:
        _write_csv_file(hits, outputs.csv)
    if outputs.html is not None or outputs.pdf is not None:
        _write_contact_sheet(hits, outputs)
    if outputs.copies is not None:
        _copy_photos(result, outputs.copies)
    outputs.finish()
    for path, own in hits.by_catalogue():
        log_files(outputs.files, [hit.face.face for hit in own.hits], path, own.logged, outputs.copies)
    _print_hits(hits, outputs)
    if result.is_partial:
        return ExitCode.PARTIAL
    return ExitCode.FOUND if result.hits else ExitCode.NOTHING


def _write_csv_file(hits: _Hits, file: NewFile) -> None:
    """Each row also names the row of the audit log that holds its search."""
    heads = {path: logged_head(own.logged) for path, own in hits.by_catalogue()}
    logged = (
        {**record, AUDIT_COLUMN: heads[hit.catalogue or hits.catalogue]}
        for hit, record in zip(hits.result.hits, hits.records(), strict=True)
    )
    write_csv(file.write, hits.columns(audit=True), logged)


def _write_contact_sheet(hits: _Hits, outputs: Outputs) -> None:
    from cli.report.sheet import write_sheet

    def write_to(write: Callable[[bytes], object]) -> None:
        write_sheet(write, hits.result, hits.heading, hits.catalogue, hits.remarks, show_others=outputs.show_others)

    write_pages(write_to, outputs)


def _copy_photos(result: SearchResult, folder: "NewFolder") -> None:
    from cli.report.copies import copy_photos

    for problem in copy_photos(folder, result):
        say(problem)
    folder.seal()


def _print_hits(hits: _Hits, outputs: Outputs) -> None:
    """The hits on stdout, as CSV, JSON or a table; how the search ended stands under the table, else on stderr."""
    if outputs.csv_on_stdout:
        write_csv(to_stdout, hits.columns(), hits.records())
    elif outputs.json:
        about = _about(hits.result, hits.heading, [*hits.remarks, *hits.outcome], hits.catalogue)
        write_json(to_stdout, hits.records(), about)
    elif hits.result.hits:
        _print_table(hits, outputs)
        return
    for sentence in hits.outcome:
        say(sentence)


def _print_table(hits: _Hits, outputs: Outputs) -> None:
    result, heading = hits.result, hits.heading
    behind = behind_in_words(result.musts, result.behind, shown=True) if result.behind else ""
    names = labels([each.path for each in result.several])
    pictures = None
    if outputs.thumbnails:
        from cli.terminal.pictures import face_pictures

        pictures = face_pictures(result, hits.catalogue, show_others=outputs.show_others)
    print_table(result.hits, heading.score, hits.outcome, heading.fades, result.said, behind, names, pictures)


def _about(result: SearchResult, heading: Heading, sentences: Sequence[str], catalogue: Path) -> dict[str, Any]:
    """What JSON says above the hits."""
    from cli.report.validated import validated_everywhere

    query = heading.query
    return {
        "description": query.text if query else None,
        "reading": heading.reading or None,
        "remarks": [*heading.remarks, *sentences],
        "notices": notice_records(result, heading),
        "not_scored": list(query.not_scored) if query else [],
        "things_said": dict(zip(("searched", "said"), result.said, strict=True)) if query else None,
        "must": {"words": list(result.musts), "behind": result.behind} if query else None,
        "faces": result.faces,
        "unseen": None if result.several else unseen_record(result.unseen),
        "expected": result.expected if heading.expects else None,
        "searched": searched_in_words(result),
        "facts": [{"label": label, "text": text} for label, text in heading.facts],
        "model": result.model.short,
        "audit": logged_record(result.logged),
        "quality": validated_everywhere(result, catalogue, heading.attributes),
        "catalogue": None if result.several else str(catalogue.absolute()),
        **({"catalogues": [_of_several(each) for each in result.several]} if result.several else {}),
        "date": now_in_words(),
    }


def _of_several(each: Searched) -> dict[str, Any]:
    """What JSON says of one of several catalogues."""
    found = each.result
    return {
        "catalogue": str(each.path),
        "searched": found is not None,
        "problem": error_in_words(each.problem) if each.problem is not None else None,
        "faces": found.faces if found else 0,
        "unseen": unseen_record(found.unseen) if found else None,
        "audit": logged_record(found.logged) if found else None,
    }
