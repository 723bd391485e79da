"""`facesearch train`: from a data set to a checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands import options
from cli.errors import ExitCode, UsageProblem

if TYPE_CHECKING:
    from cli.terminal.progress import Status
    from facesearch.training.loop import Progress
    from facesearch.training.run import Callbacks


def train(
    context: typer.Context,
    data: options.DataArgument,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The checkpoint to write (.safetensors).", show_default=False)
    ],
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            metavar="NAME|FILE",
            help="A recipe of the package, or a .toml file; some start from a network, see --start.",
        ),
    ] = "protocol",
    start: Annotated[
        Path | None,
        typer.Option(
            "--start",
            metavar="FILE",
            help="The checkpoint that the recipe starts from, if it starts from one; else the network in the package.",
            show_default=False,
        ),
    ] = None,
    terms: Annotated[
        str | None,
        typer.Option(
            "--terms",
            help="What the checkpoint says about its use: the data's terms, and those of the network it starts from.",
            show_default=False,
        ),
    ] = None,
    work: options.WorkOption = Path("runs"),
    force: options.ForceOption = False,
    device: options.DeviceOption = options.Device.AUTO,
) -> int:
    """Train the network on CelebA, LFWA, Open Images or records of your own, and write a checkpoint.

    A run that was stopped, in whatever way, goes on when the same command is given again. DATA holds one of these:

    - records.csv, a table of your own: column file (a photo, from this folder or an absolute path), any of the 40
      attributes (1, 0, or nothing where nobody knows), and if you like person and role (train, val, calibrate, test);

    - img_align_celeba/, list_attr_celeba.txt and list_eval_partition.txt, and perhaps identity_CelebA.txt and
      list_role.txt: CelebA, or data of your own in its layout;

    - lfw/ and lfw_att_40.mat or lfw_att_40.csv: LFWA (recipes lfwa and lfwa-scratch);

    - train/, validation/, test/ and the lists of Open Images (recipe commercial).
    """
    from cli.report.files import check_writable, refuse_evidence
    from cli.terminal.console import say
    from cli.terminal.evaluation_tables import print_evaluation
    from cli.terminal.progress import status
    from facesearch.network.device import keep_freed_memory
    from facesearch.training.recipe import load_recipe
    from facesearch.training.run import train_checkpoint

    chosen = load_recipe(recipe)
    refuse_evidence(out, options.catalogue_in_use(context))
    check_writable(out, never=[start] if start else [])
    if not force:
        _refuse_what_is_no_checkpoint(out)
    keep_freed_memory()
    with status() as display:
        checkpoint, figures = train_checkpoint(data, work, out, chosen, device.value, _callbacks(display), terms, start)
        display.flush()
    if figures is not None:
        print_evaluation(figures)
    else:
        say("The data has no images of role test, so how good this network is has not been measured.")
    say(f"Written: {out} (model {checkpoint.digest[:12]})")
    return ExitCode.FOUND


def _refuse_what_is_no_checkpoint(out: Path) -> None:
    """A slip of the hand must not cost a recipe or a list of labels."""
    from facesearch.network.checkpoint import CheckpointError, load_checkpoint

    if out.is_file() and out.stat().st_size:
        try:
            load_checkpoint(out)
        except CheckpointError as error:
            raise UsageProblem(
                f"{out} is there and is no checkpoint: name another file to write to, or give --force."
            ) from error


def _callbacks(display: "Status") -> "Callbacks":
    from cli.terminal.progress import duration
    from facesearch.training.run import Callbacks

    def step(now: "Progress") -> None:
        words = f"loss {now.loss:.4f}, {now.rate:.0f} faces/s, {duration(now.left)} left in this stage"
        display.show(f"Training, stage {now.stage} of {now.stages}", now.step, now.steps, words)

    def faces(what: str, done: int, total: int) -> None:
        display.show(what.capitalize(), done, total)

    return Callbacks(faces=faces, step=step, note=display.note)
