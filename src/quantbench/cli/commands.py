"""The commands that load PyTorch: each calls the Python API and prints the result."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from quantbench.artifacts.artifact import Artifact
from quantbench.cli import records
from quantbench.cli.configure import configured
from quantbench.cli.groups import Study
from quantbench.cli.progress import TerminalProgress
from quantbench.cli.show import view_of
from quantbench.errors import (
    ImageError,
    RowsFailedError,
    StorageError,
    UnavailableError,
    UsageError,
)
from quantbench.harness.baseline import BASELINE
from quantbench.report.figure import loss_figure
from quantbench.report.html.embed import embedded_of
from quantbench.report.reproduction.printout import as_reported as reported
from quantbench.report.terminal.network import layer_table, numerics_table
from quantbench.report.terminal.page import answer_parts, comparison
from quantbench.report.write import write
from quantbench.results.assemble import paired
from quantbench.results.records import Results
from quantbench.samples.picture import MAX_BYTES
from quantbench.settings.layers import RECIPE, at_commas
from quantbench.studies import pipeline
from quantbench.studies.choose import ChosenMethod, choose_methods, recipe_settings
from quantbench.studies.load import untrained
from quantbench.studies.options import Options, Overrides
from quantbench.studies.predict import answers
from quantbench.studies.prepare import is_task_file, prepare, trained
from quantbench.studies.quantize import artifact_of
from quantbench.studies.usable import why_unusable
from quantbench.studies.workspace import Workspace, workspace
from quantbench.system.files import write_atomic
from quantbench.system.progress import Progress
from quantbench.system.terminal import Terminal, harmless, one_line
from quantbench.tasks.digit import read_digit
from quantbench.tasks.network import Network
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.source import load_network
from quantbench.tasks.source_python import load_task
from quantbench.tasks.task import Task


def run(record: records.Run) -> None:
    """Run a study, print it and write its files.

    Raises StorageError or RowsFailedError after the answer is shown.
    """
    view = view_of(record)
    study = configured(record)
    with TerminalProgress() as progress:
        done = pipeline.run(
            study.options, study.overrides, progress, on_first=_first(study.options)
        )
    unwritten = _unwritten(done, study.options.out)
    if record.as_reported:
        Terminal().print(Text(_as_reported(done)), soft_wrap=True, end="")
    else:
        _print(comparison(done.results, view))
    if unwritten:
        raise unwritten
    _fail_where_rows_failed(done.results)


def _first(options: Options) -> Callable[[pipeline.Study], None] | None:
    """Show the first answer of a study of a user's network; the example has no need of one."""
    if options.target is None and options.test is None:
        return None

    def show(done: pipeline.Study) -> None:
        answers = answer_parts(done.results)
        _print(Group(Text("First answer", style="bold"), *answers, Text("Measuring the rest.\n")))

    return show


def _unwritten(done: pipeline.Study, out: Path) -> StorageError | None:
    """Write a study's files; returns the error if that fails, to be raised after the answer."""
    try:
        written = write(done.results, out, embedded_of(done.results, out))
    except StorageError as error:
        return error
    _say(f"written to {out}: {', '.join(written)}")
    return None


def measure(record: records.Measure) -> None:
    """Measure some methods against float32, and print the comparison; no files are written.

    Raises RowsFailedError after the answer is shown.
    """
    view = view_of(record)
    study = configured(record, owner=_only(tuple(at_commas(record.methods))))
    with TerminalProgress() as progress:
        done = pipeline.run(study.options, study.overrides, progress)
    _print(comparison(done.results, view))
    _fail_where_rows_failed(done.results)


def train(record: records.Train) -> None:
    """Train the float network, print the loss of each epoch and draw loss.png.

    Raises UsageError for settings of a method.
    """
    study = configured(record, methods=(), owner=RECIPE)
    options, overrides = study.options, study.overrides
    if others := sorted(overrides.keys() - {RECIPE}):
        raise UsageError(f"settings for '{others[0]}', but train runs no method")
    recipe_settings(options, overrides)
    with workspace(options.out, fresh=options.fresh) as space, TerminalProgress() as progress:
        _, checkpoint = trained(options, overrides, space, progress)
    for epoch in checkpoint.body.epochs:
        _line(
            f"epoch {epoch.epoch}: test loss {epoch.test_loss:.4f}, "
            f"test accuracy {epoch.test_accuracy:.2%}"
        )
    write_atomic(options.out / "loss.png", loss_figure(checkpoint.body))
    _line(f"checkpoint: {checkpoint.folder}")


def quantize(record: records.Quantize) -> None:
    """Quantize by one method, and print the formats of each layer and the files.

    Raises UnavailableError where what was written can't be used.
    """
    task, out, artifacts = _artifacts(record, record.one_method)
    for artifact in artifacts:
        _print(numerics_table(artifact.body.quantized))
        files = ", ".join(str(artifact.folder / name) for name in artifact.files)
        _line(f"{artifact.body.format}: {artifact.bytes:,} bytes in {files}")
    for artifact in artifacts:
        trials = Workspace(out).trials
        if reason := why_unusable(task, artifact, trials):
            raise UnavailableError(f"{artifact.folder} can't be used: {reason}")


def describe(record: records.Describe) -> None:
    """Print the layers of a network, or the number formats of what a method converts it to."""
    if record.converted is not None:
        *_, artifacts = _artifacts(record, record.converted)
        _print(numerics_table(artifacts[0].body.quantized))
        return
    study = configured(record, methods=())
    with TerminalProgress() as progress:
        network = _network(study.options, study.overrides, progress)
    table = layer_table(network_layers(network), network.name)
    structure = (Text(str(network.module())), Text()) if network.make_module else ()
    _print(Group(*structure, table))


def _network(options: Options, overrides: Overrides, progress: Progress) -> Network:
    """The network that options name; samples are read only where files of them are named.

    Raises NetworkError where a module's inputs can't be known without samples.
    """
    if options.target is None:
        return untrained(options.model)
    if is_task_file(options.target):
        return load_task(options.target).network
    if options.test is None:
        return load_network(options.target, options.weights)
    with workspace(options.out) as space:
        return prepare(options, overrides, space, progress).network


def predict(record: records.Predict) -> None:
    """Print the answers of float32 and of a method to pictures.

    Raises ImageError where a picture can't be read, after the answers to all others are shown.
    """
    pictures = [_picture(name) for name in record.images]
    images = [picture.image for picture in pictures if picture.image is not None]
    refused = [picture for picture in pictures if picture.image is None]
    if not images:
        raise ImageError("; ".join(f"{picture.name} {picture.reason}" for picture in refused))
    if configured(record, methods=(BASELINE, record.beside), owner=record.beside).options.target:
        raise UsageError("predict reads pictures of digits; --model names a model of that kind")
    task, *_, artifacts = _artifacts(record, BASELINE, record.beside)
    usable = [artifact for artifact in artifacts if artifact.body.format == "state_dict"]
    table = Table("image", *(artifact.body.method for artifact in usable), box=None)
    if refused:
        table.add_column("", overflow="fold")
    columns = [answers(artifact, "torch", task, images) for artifact in usable]
    answered = iter(zip(*columns, strict=True))
    for picture in pictures:
        name = harmless(picture.name)
        if picture.image is None:
            table.add_row(name, *("–" for _ in usable), one_line(picture.reason))
        else:
            table.add_row(name, *(f"{a.label} ({a.probability:.1%})" for a in next(answered)))
    _print(table)
    if refused:
        whole = f"{len(refused)} of {len(pictures)} pictures"
        raise ImageError(f"{whole} could not be read: {', '.join(p.name for p in refused)}")


def _artifacts(record: Study, *methods: str) -> tuple[Task, Path, list[Artifact]]:
    """Return what methods write, the workspace and what it was written from."""
    named = tuple(method for method in methods if method != BASELINE)
    study = configured(record, methods=methods, owner=_only(named))
    options, overrides = study.options, study.overrides
    with TerminalProgress() as progress:
        chosen_methods = choose_methods(methods, overrides, progress)
    for name in methods:
        if isinstance(reason := chosen_methods[name], str):
            raise UnavailableError(reason)
    recipe_settings(options, overrides)
    with workspace(options.out) as space, TerminalProgress() as progress:
        task = prepare(options, overrides, space, progress)
        artifacts = [
            artifact
            for name in dict.fromkeys(methods)
            if not isinstance(chosen := chosen_methods[name], str)
            for artifact in _of_method(task, chosen, space.artifacts, progress)
        ]
    return task, options.out, artifacts


def _of_method(
    task: Task, chosen: ChosenMethod, folder: Path, progress: Progress
) -> Iterator[Artifact]:
    """Yield what a method writes; a format that it can't write for this network is said.

    Raises UnavailableError where that are all.
    """
    plugin, refusals = chosen.plugin, list[UnavailableError]()
    for format in plugin.module.FORMATS:
        try:
            yield artifact_of(task, plugin, chosen.settings, format, folder, progress)
        except UnavailableError as error:
            refusals.append(error)
            progress.log(f"{plugin.name} writes no {format}: {error}")
    if len(refusals) == len(plugin.module.FORMATS):
        raise refusals[0]


def _only(methods: tuple[str, ...]) -> str | None:
    return methods[0] if len(methods) == 1 else None


def _as_reported(done: pipeline.Study) -> str:
    structures = {
        candidate.artifact.body.method: candidate.artifact.body.quantized.structure
        for candidate in done.measured.candidates
        if candidate.runtime.name == "torch" and not candidate.earlier
    }
    both = {"static", "static_uncalibrated"} <= structures.keys()
    pair = paired(done.measured, done.task, "static", "static_uncalibrated") if both else None
    return reported(done.results, structures, pair)


def _fail_where_rows_failed(results: Results) -> None:
    """Raise RowsFailedError if a row failed; what else was measured is shown and saved by now."""
    failed = [f"{s.method} on {s.runtime} {s.reason}" for s in results.skipped if s.failed]
    if failed:
        rows = "1 row" if len(failed) == 1 else f"{len(failed)} rows"
        raise RowsFailedError(f"{rows} failed, the others are saved: {'; '.join(failed)}")


@dataclass(frozen=True)
class _Picture:
    name: str
    image: NDArray[np.uint8] | None
    """uint8 [28, 28]; None where there is a reason."""
    reason: str = ""


def _picture(name: str) -> _Picture:
    try:
        return _Picture(name, _read(name))
    except ImageError as error:
        shown = "standard input" if name == "-" else name
        return _Picture(shown, None, str(error).removeprefix(f"{shown} "))


def _read(name: str) -> NDArray[np.uint8]:
    if name == "-":
        return read_digit(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")
    return read_digit(Path(name), name)


def _print(what: RenderableType) -> None:
    Terminal().print(what)


def _line(line: str) -> None:
    Terminal().say(line)


def _say(line: str) -> None:
    Terminal(stderr=True).say(line)
