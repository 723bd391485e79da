"""`facesearch validate`: how good the network is on one's own photos, in three steps of one command."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode, FileProblem, UsageProblem
from cli.report.wording import counted
from cli.terminal.console import printable, results, say

if TYPE_CHECKING:
    from db.catalogue import Catalogue
    from db.faces import FaceDetails
    from db.validations import PhotoView
    from facesearch.validation.answers import Answers
    from facesearch.validation.sample import Sample

_SAMPLE, _PAGE, _TABLE, _REPORT = "sample.json", "label.html", "answers.csv", "validation.html"
_ANSWERS = "labels-*.csv"
_FACE_PIXELS, _PHOTO_PIXELS = 320, 1000


def validate(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Where the page, the answers and the report lie.", show_default=False),
    ],
    answers: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="ANSWERS", help="The two people's files, if they do not lie in FOLDER.", show_default=False
        ),
    ] = None,
    catalogue: options.CatalogueOption = None,
    faces: Annotated[
        int | None, typer.Option("--faces", metavar="N", min=1, help="How many faces to draw; 300 if not given.")
    ] = None,
    photos: Annotated[
        int | None,
        typer.Option("--photos", metavar="N", min=0, help="How many whole photos to draw; 60 if not given."),
    ] = None,
    words: Annotated[
        str | None,
        typer.Option("--words", metavar="WORDS", help='Ask these words only, as in "man, beard, hat"; else all 40.'),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="Which faces are drawn; 0 if not given.")
    ] = None,
    force: options.ForceOption = False,
) -> int:
    """Measure the network on your own photos: faces are drawn at random, two people label them, each alone.

    Give the same command again after each step; it says what is next. **1.** It draws faces and photos from the
    catalogue and writes FOLDER/label.html. **2.** Two people each open that page and answer with the keyboard, without
    seeing what the network or the other said; the page saves labels-NAME.csv, which goes into FOLDER. All 40 words take
    some hours; the commonest come first, and any word that both have finished counts. **3.** It states how far the two
    agree and how often the network errs, a word with its 95 % interval, how well its probabilities hold, and how many
    faces are missed; all in FOLDER/validation.html.

    The statement is kept in the catalogue and holds for this network and this version. Result pages then say "validated
    here on ..."; without one, "not validated here".
    """
    from cli.commands.opening import opened

    path = options.catalogue_of(context, catalogue)
    sample = _sample_in(folder)
    if sample is None:
        if answers:
            raise UsageProblem(f"{folder} holds no sample that these could answer: draw one first, without ANSWERS.")
        with opened(path) as source:
            _draw(source, folder, faces, photos, _asked(words), seed or 0, force=force)
        return ExitCode.FOUND
    if any(given is not None for given in (faces, photos, words, seed)):
        raise UsageProblem(
            f"{folder} holds a sample already: name another folder for a new one, or leave out --faces, --photos, "
            "--words and --seed."
        )
    people = _people(folder, answers or [], sample)
    if people is None:
        return ExitCode.NOTHING
    with opened(path) as source:
        _state(source, folder, sample, people, force=force)
    return ExitCode.FOUND


def _sample_in(folder: Path) -> "Sample | None":
    """The sample that lies in a folder; None where there is none yet."""
    from facesearch.validation.sample import read_sample

    path = folder / _SAMPLE
    try:
        return read_sample(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return read_sample("", str(path))
    except OSError as error:
        raise FileProblem(f"{path} cannot be read ({error.strerror}): check the folder.") from error


def _asked(words: str | None) -> tuple[str, ...]:
    """Names of the attributes that --words means."""
    from cli.commands.search import understood
    from facesearch.validation.sample import asked_words

    return asked_words([each.name for each in understood(words)[0].query.attributes] if words is not None else ())


def _draw(
    source: "Catalogue",
    folder: Path,
    faces: int | None,
    photos: int | None,
    words: Sequence[str],
    seed: int,
    *,
    force: bool,
) -> None:
    """Step 1."""
    from cli.commands.outputs import log_files
    from cli.report.files import explained, replacing
    from cli.report.label_page import label_page
    from cli.terminal.progress import status
    from facesearch.validation.answers import empty_table
    from facesearch.validation.sample import FACES, PHOTOS, draw

    face_count, photo_count = faces or FACES, PHOTOS if photos is None else photos
    with explained(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold faces
    with status() as display:
        shown = _Shown(lambda done: display.show("Cutting out faces and photos", done, face_count + photo_count))
        sample, pictures, whole = draw(
            source,
            face_count=face_count,
            photo_count=photo_count,
            words=words,
            seed=seed,
            show_faces=shown.faces,
            show_photos=shown.photos,
        )
        display.flush()
    with replacing(folder / _PAGE, force=force) as page:
        for part in label_page(sample, pictures, whole):
            page.write(part.encode())
    with replacing(folder / _TABLE, force=force) as table:
        table.write(empty_table(sample).encode())
    with replacing(folder / _SAMPLE, force=force) as file:  # last: with it the step is done
        file.write(sample.as_json().encode())
    log_files([page, table, file], [each.face for each in sample.faces], source.path, None)
    drawn = f"{len(sample.faces):,} of {counted(sample.of_faces, 'face')}, {counted(len(sample.photos), 'photo')}"
    say(f"Drawn with seed {seed}: {drawn}.")
    if sample.not_shown:
        say(f"{sample.not_shown:,} were drawn whose photo cannot be opened, and others took their place.")
    if len(sample.faces) < face_count:
        say(f"There are no more: fewer than {face_count:,} faces make the intervals wider.")
    out = results()
    for line in (
        "Step 1 is done. Step 2:",
        f"  Two people each open {folder / _PAGE}, each alone, and put the file that it saves into {folder}.",
        f"  (Or fill in a copy of {folder / _TABLE} by hand: yes, no or ?. Call it labels-NAME.csv.)",
        f"Then step 3: facesearch validate {folder}",
    ):
        out.print(printable(line), soft_wrap=True)


class _Shown:
    """Pictures for a sample; tells how many it has made."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress, self._done = progress, 0

    def faces(self, faces: "Sequence[FaceDetails]") -> dict[int, bytes | None]:
        from cli.report.thumbnails import thumbnails

        return {face: each.jpeg for face, each in thumbnails(faces, self._add, _FACE_PIXELS).items()}

    def photos(self, views: "Sequence[PhotoView]") -> list[bytes | None]:
        from cli.report.thumbnails import framed

        made = []
        for view in views:
            made.append(framed(view.path, view.sha256, view.boxes, _PHOTO_PIXELS, masked=view.masked).jpeg)
            self._add(1)
        return made

    def _add(self, more: int) -> None:
        self._done += more
        self._progress(self._done)


def _people(folder: Path, given: Sequence[Path], sample: "Sample") -> "tuple[Answers, Answers] | None":
    """Both people's answers; None where they are not all there, after saying what is missing (step 2)."""
    from facesearch.validation.answers import read_answers

    files = list(given) or sorted(folder.glob(_ANSWERS))
    if len(files) > 2:
        names = ", ".join(file.name for file in files)
        raise UsageProblem(f"There are {len(files)} files of answers ({names}): name the two that count.")
    people = [read_answers(file, sample) for file in files]
    for each in people:
        done = each.complete(sample)
        say(f"{each.name}: {len(done)} of {len(sample.words)} words are answered for every face.")
    if len(people) == 2:
        if files[0].read_bytes() == files[1].read_bytes():
            raise UsageProblem(f"{files[0]} and {files[1]} are the same file: two people are to label, each alone.")
        return people[0], people[1]
    whose = f"Only {people[0].name}'s answers are there" if people else "No answers are there yet"
    for line in (
        f"Step 2 is not done. {whose}: two people each open {folder / _PAGE}, each alone, and put the file that it",
        f"saves (labels-NAME.csv) into {folder}. Then: facesearch validate {folder}",
    ):
        results().print(printable(line), soft_wrap=True)
    return None


def _state(
    source: "Catalogue", folder: Path, sample: "Sample", people: "tuple[Answers, Answers]", *, force: bool
) -> None:
    """Step 3."""
    from cli.commands.outputs import log_files
    from cli.report.files import replacing
    from cli.report.validation import page, print_statement
    from facesearch.validation.measuring import measure
    from facesearch.vision.detection import yunet_name

    with replacing(folder / _REPORT, force=force) as file:
        agreement, measured = measure(source, sample, people, yunet_name())
        for part in page(agreement, measured, sample, source.path):
            file.write(part.encode("utf-8", "replace"))
    log_files([file], [], source.path, None)
    print_statement(agreement, measured, sample)
    say(f"Kept in the catalogue; written: {folder / _REPORT}")
