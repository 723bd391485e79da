"""Options that several commands share, so that each means the same everywhere."""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from cli.errors import UsageProblem

if TYPE_CHECKING:
    from db.values.photo_filter import PhotoFilter
    from facesearch.search.request import Request
    from facesearch.vision.decode import Limits

ENVIRONMENT = "FACESEARCH_CATALOGUE"


class Look(StrEnum):
    """How thoroughly photos are looked at, as `facesearch.vision.detection.Look`, which the help does not load."""

    DEFAULT = "default"
    QUICK = "quick"


class Device(StrEnum):
    """Where the network computes; auto takes a GPU where there is one."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def _fraction(value: float) -> float:
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        raise typer.BadParameter(f"{value} is not a number from 0 to 1.")
    return value


def _size(value: float) -> float:
    if not (math.isfinite(value) and value >= 0.0):
        raise typer.BadParameter(f"{value} is not a number of pixels.")
    return value


def _megapixels(value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"{value} is not a number of megapixels.")
    return value


CatalogueOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--catalogue",
        metavar="PATH",
        help=f"The catalogue file. Else ${ENVIRONMENT} names it, else it lies in your data folder. search, similar, "
        "show and status take several.",
        show_default=False,
    ),
]
TopOption = Annotated[str, typer.Option("--top", metavar="N|all", help="How many of the best results.")]
MinScoreOption = Annotated[
    float, typer.Option("--min-score", metavar="P", callback=_fraction, help="Least score, 0 to 1.")
]
MinDetectionOption = Annotated[
    float,
    typer.Option(
        "--min-detection",
        metavar="P",
        callback=_fraction,
        help="Least detection score of a face, 0 to 1. Below .8 lie hidden and tilted faces, and false ones.",
    ),
]
FolderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--folder",
        metavar="PATH",
        help="Only photos in this folder or below: a path (/..., ./..., ~/...) or last parts of one "
        "(holiday/2019). Several times: in one of them.",
        show_default=False,
    ),
]
NameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Only files whose name contains this, or is like it with * and ?. Several times: like one of them.",
        show_default=False,
    ),
]
TakenOption = Annotated[
    list[str] | None,
    typer.Option(
        "--taken",
        metavar="WHEN",
        help="Only photos taken then: 2019, 2019-07, 2019-07-14, 2019..2021.",
        show_default=False,
    ),
]
CameraOption = Annotated[
    list[str] | None,
    typer.Option(
        "--camera",
        metavar="TEXT",
        help="Only photos of cameras whose make or model contains this. Several times: one of them.",
        show_default=False,
    ),
]
MinFaceOption = Annotated[
    float,
    typer.Option(
        "--min-face", metavar="PIXELS", callback=_size, help="Least size of a face, its box's longer side in the photo."
    ),
]
CsvOption = Annotated[
    Path | None,
    typer.Option(
        "--csv",
        metavar="FILE|-",
        help="Write the results as CSV (UTF-8); - is stdout. A file begins with a byte order mark, for Excel.",
        show_default=False,
    ),
]
CsvPlainOption = Annotated[bool, typer.Option("--csv-plain", help="Write the CSV file without a byte order mark.")]
HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write a page that shows the faces.", show_default=False),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace files that are there, also those that this program has not written.")
]
PdfOption = Annotated[
    Path | None,
    typer.Option(
        "--pdf", metavar="FILE", help="Write the same page as a PDF (needs Chromium or Chrome).", show_default=False
    ),
]
ShowOthersOption = Annotated[
    bool,
    typer.Option(
        "--show-others",
        help="Show the other faces in the photos on a page, too, instead of making them unrecognisable.",
    ),
]
ThumbnailsOption = Annotated[
    bool, typer.Option("--thumbnails", help="Show the faces in the terminal, as well as it can.")
]
CopyToOption = Annotated[
    Path | None,
    typer.Option(
        "--copy-to",
        metavar="FOLDER",
        help="Copy the photos of the hits into a new folder, with a list and a manifest of hashes.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the results as JSON instead of a table.")]
StatementFileOption = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help='Read the statement from a file; "-" is stdin.', show_default=False),
]
PersonOption = Annotated[
    int | None,
    typer.Option(
        "--person",
        metavar="N",
        min=1,
        help="Whom to search for, where a statement describes several persons.",
        show_default=False,
    ),
]
WitnessFileOption = Annotated[
    Path | None,
    typer.Option(
        "--witness-file",
        metavar="FILE",
        help="Error rates of witnesses, instead of those that `facesearch attributes --witness` shows.",
        show_default=False,
    ),
]
StrictOrderOption = Annotated[
    bool,
    typer.Option("--strict-order", help="Order unlikely faces by their scores, too, as if no witness were ever wrong."),
]
AllAttributesOption = Annotated[
    bool, typer.Option("--all-attributes", help="In CSV and JSON: all 40 attributes, not only those asked for.")
]
DeviceOption = Annotated[
    Device, typer.Option("--device", help="Where the network computes; auto takes a GPU where there is one.")
]
CheckpointOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint", metavar="FILE", help="Another network, written by `facesearch train`.", show_default=False
    ),
]
DetectorOption = Annotated[
    Path | None,
    typer.Option("--detector-model", metavar="FILE", help="Another YuNet file (.onnx).", show_default=False),
]
MaxMegapixelsOption = Annotated[
    float | None,
    typer.Option(
        "--max-megapixels",
        metavar="N",
        callback=_megapixels,
        help="Take photos of up to N megapixels; else 200. A photo takes 10 bytes of memory for each pixel.",
        show_default=False,
    ),
]
LookOption = Annotated[
    Look,
    typer.Option(
        "--look",
        help="How thoroughly to look for faces. default: in every size, upright and turned. quick: in three copies "
        "upright, turned ones at 640 pixels; it never takes the place of a default look.",
    ),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Let the nodes of a Ray cluster do the work: host:port of its head, or auto for the cluster that this "
        "machine is in (docs/scale.md).",
        show_default=False,
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="/HERE=/THERE",
        help="With --ray: where a folder of this machine is mounted on the nodes. Several times: all of them.",
        show_default=False,
    ),
]
ShipOption = Annotated[
    bool, typer.Option("--ship", help="With --ray: send the photos to the nodes, which cannot see them themselves.")
]
TrustClusterOption = Annotated[
    bool,
    typer.Option(
        "--trust-cluster",
        help="With --ray: also use a cluster that asks for no token. Whoever reaches its ports can run programs on it.",
    ),
]
DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="Folder that holds CelebA or LFWA in its official layout, Open Images, or records.csv.",
        show_default=False,
    ),
]
WorkOption = Annotated[
    Path,
    typer.Option("--work", metavar="FOLDER", help="Where the cut-out faces and the state of training are kept."),
]


NoCropsOption = Annotated[
    bool,
    typer.Option(
        "--no-crops",
        envvar="FACESEARCH_NO_CROPS",
        help="Keep no small picture of each face beside the catalogue. With them, pages show faces quickly, also those "
        "of a drive that is unplugged.",
    ),
]


@dataclass(frozen=True)
class FaceOptions:
    """Which faces are looked through, in which catalogue, and how many of the best are shown: the options that every
    command that finds faces has."""

    catalogue: CatalogueOption = None
    top: TopOption = "20"
    folder: FolderOption = None
    name: NameOption = None
    taken: TakenOption = None
    camera: CameraOption = None
    min_face: MinFaceOption = 0.0
    min_detection: MinDetectionOption = 0.8

    def limit(self) -> int | None:
        """How many, None for all. Raises typer.BadParameter."""
        return top_of(self.top)

    def narrow(self, request: "Request") -> "Request":
        """The request with the filters and bounds of these options. Raises typer.BadParameter."""
        photo = photo_filter_of(self.folder, self.name, self.taken, self.camera)
        return replace(request, photo=photo, min_face=self.min_face, min_detection=self.min_detection)

    def again(self, context: typer.Context, request: "Request") -> dict[str, Sequence[str]]:
        """The options with which a changed description is searched alike; what the description of the request says
        itself is left out."""
        from facesearch.vision.detection.detector import SEARCH_FROM

        photo = request.photo
        named = self.catalogue or context.find_root().obj
        return {
            "--catalogue": [str(each) for each in catalogues_of(context, self.catalogue)] if named else [],
            "--folder": photo.folder,
            "--name": photo.name,
            "--camera": photo.camera,
            "--taken": self.taken or [] if photo.taken_from or photo.taken_to else [],
            "--min-face": [f"{self.min_face:g}"] if self.min_face else [],
            "--min-detection": [f"{self.min_detection:g}"] if self.min_detection != SEARCH_FROM else [],
        }


@dataclass(frozen=True)
class OutputOptions:
    """Where results go, and what they hold."""

    csv: CsvOption = None
    csv_plain: CsvPlainOption = False
    html: HtmlOption = None
    pdf: PdfOption = None
    show_others: ShowOthersOption = False
    copy_to: CopyToOption = None
    thumbnails: ThumbnailsOption = False
    json: JsonOption = False
    all_attributes: AllAttributesOption = False
    force: ForceOption = False


_GROUPS = (FaceOptions, OutputOptions)


def grouped(command: Callable[..., int]) -> Callable[..., int]:
    """A command for Typer, each of whose parameters that is a group of options, such as FaceOptions, is replaced by
    these options, in its place."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if is_dataclass(kind) and kind in _GROUPS}
    parameters: list[Parameter] = []
    for each in signature(command).parameters.values():
        if each.name not in groups:
            parameters.append(each.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[each.name]))
            continue
        options = get_type_hints(groups[each.name], include_extras=True)
        parameters += [
            Parameter(option.name, Parameter.KEYWORD_ONLY, default=option.default, annotation=options[option.name])
            for option in fields(groups[each.name])
        ]

    @wraps(command)
    def with_options(**given: Any) -> int:
        made = {
            name: kind(**{each.name: given.pop(each.name) for each in fields(kind)}) for name, kind in groups.items()
        }
        return command(**given, **made)

    del with_options.__wrapped__  # its parameters are not what Typer shall see
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    with_options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return with_options


def limits_of(max_megapixels: float | None) -> "Limits":
    """What one photo may cost. The file may be as large as its pixels need at most, uncompressed."""
    from facesearch.vision.decode import Limits

    usual = Limits()
    if max_megapixels is None:
        return usual
    pixels = round(max_megapixels * 1_000_000)
    return Limits(max_pixels=pixels, max_bytes=max(usual.max_bytes, 8 * pixels))


def top_of(text: str) -> int | None:
    """The number that --top gives, None for "all". Raises typer.BadParameter."""
    if text.strip().casefold() == "all":
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise typer.BadParameter(f"{text!r} is neither a number from 1 on nor 'all'.", param_hint="'--top'")
    return number


def photo_filter_of(
    folders: list[str] | None, names: list[str] | None, taken: list[str] | None, cameras: list[str] | None
) -> "PhotoFilter":
    """What --folder, --name, --taken and --camera ask for. Raises typer.BadParameter."""
    from db.values.photo_filter import PhotoFilter
    from facesearch.errors import QueryError
    from facesearch.query.photo_filters import folder_named, taken_range

    for option, values in (("--folder", folders), ("--name", names), ("--camera", cameras)):
        if not all(value.strip() for value in values or ()):
            raise typer.BadParameter("nothing stands in it.", param_hint=f"'{option}'")
    if taken is not None and len(taken) > 1:
        raise typer.BadParameter("it is given twice: name one span, as in 2019..2021.", param_hint="'--taken'")
    try:
        first, last = taken_range(taken[0].strip()) if taken else (None, None)
    except QueryError as error:
        raise typer.BadParameter(str(error), param_hint="'--taken'") from error
    return PhotoFilter(tuple(map(folder_named, folders or ())), tuple(names or ()), first, last, tuple(cameras or ()))


def filters_in_words(request: "Request") -> list[str]:
    """The filters beside those of the description, and beside the detection score that every search has."""
    from facesearch.query.photo_filters import printed

    filters = [f"only photos with {each}" for each in printed(request.photo)]
    filters += [f"only faces of {request.min_face:g} pixels or more"] if request.min_face else []
    return filters + ([f"only scores of {request.min_score:g} or more"] if request.min_score else [])


def catalogue_of(context: typer.Context, named: list[Path] | None) -> Path:
    """The one catalogue to use. Raises UsageProblem where several are named, and as `catalogues_of`."""
    found = catalogues_of(context, named)
    if len(found) > 1:
        listed = ", ".join(map(str, found))
        raise UsageProblem(f"This is done in one catalogue at a time, and {len(found)} are named ({listed}): name one.")
    return found[0]


def catalogues_of(context: typer.Context, named: list[Path] | None) -> list[Path]:
    """The catalogues to use: those named with the command, before it, in the environment, or the user's own.

    Raises UsageProblem when others are named before the command than with it: investigations must not mix by a slip.
    """
    before: list[Path] = context.find_root().obj or []
    if named and before and named != before:
        both = ", ".join(map(str, before)), ", ".join(map(str, named))
        raise UsageProblem(f"Two catalogues are named, {both[0]} and {both[1]}: name one, or several in one place.")
    return [_expanded(each) for each in named] if named else _usual_catalogues(before)


def _usual_catalogues(before: list[Path]) -> list[Path]:
    """Those to use where a command names none. before: those named before the command."""
    in_environment = os.environ.get(ENVIRONMENT)
    chosen = before or ([Path(in_environment)] if in_environment else [])
    if chosen:
        return [_expanded(each) for each in chosen]
    from db.paths import user_data_folder

    return [user_data_folder() / "faces.db"]


def _expanded(path: Path) -> Path:
    # Path.expanduser raises where nobody knows a home; this leaves the "~".
    return Path(os.path.expanduser(path))  # noqa: PTH111


def catalogue_in_use(context: typer.Context) -> Path | None:
    """The catalogue that commands use which name none, for one that needs no catalogue; None where there is no place
    for it."""
    from db.errors import NoHome

    try:
        return catalogue_of(context, None)
    except NoHome:
        return None


def photos_of(named: list[Path] | None) -> list[Path]:
    """The photos named on the command line; - is what comes through a pipe."""
    return [Path("/dev/stdin") if photo == Path("-") else photo for photo in named or ()]
