"""The study of a user's own network as one call, for scripts and notebooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from quantbench.artifacts.artifact import Artifact, load_artifact
from quantbench.c99.package import Costs
from quantbench.errors import UsageError
from quantbench.explain.other_cpu import known_kernels
from quantbench.explain.records import Explanation
from quantbench.explain.sections import Asked
from quantbench.report.answers import answers_of
from quantbench.report.html.table import study_html
from quantbench.report.selection import Told, told
from quantbench.report.terminal.explanation.page import explanation_page
from quantbench.report.terminal.page import View, comparison
from quantbench.report.terminal.selection import selection_page
from quantbench.report.write import write
from quantbench.results.frame import flat_rows
from quantbench.results.limits import Amount, limits
from quantbench.results.metric import Metric, metric_of
from quantbench.results.records import Finding, Results, Row
from quantbench.results.within import Selection, select_within
from quantbench.samples.images import Preprocessing
from quantbench.studies import pipeline
from quantbench.studies.compile import compile
from quantbench.studies.explain import explain
from quantbench.studies.options import Options, Overrides
from quantbench.studies.own import Own, own_task
from quantbench.studies.workspace import Workspace
from quantbench.system.progress import Kept, Lines, Progress
from quantbench.system.store import Stored
from quantbench.system.terminal import as_text
from quantbench.tasks.given import with_given
from quantbench.tasks.task import Task

_WIDTH = 100


@dataclass(frozen=True)
class Shipped:
    """The row that a study recommends."""

    row: Row
    artifact: Artifact

    def compile(self, folder: Path | str, *, name: str = "model", **options: Any) -> Stored[Costs]:
        """Write it as C99 into `folder`; `options` are those of `quantbench.compile`.

        Raises UsageError for a row that is no ONNX, CompileError for one that C can't hold.
        """
        return compile(self.artifact, folder, name=name, **options)

    def __str__(self) -> str:
        return f"{self.row.name}: {self.row.bytes:,} bytes in {self.artifact.folder}"


@dataclass(frozen=True)
class Chosen:
    """The row to ship within limits: printed, it is the page of `quantbench recommend`."""

    selection: Selection
    words: Told

    @property
    def row(self) -> Row | None:
        """The row; None where none is shown to keep every limit."""
        return self.selection.chosen.row if self.selection.chosen else None

    def __str__(self) -> str:
        page = as_text(selection_page(self.words), _WIDTH)
        return "\n".join((page, *self.words.commands))


@dataclass(frozen=True)
class Why:
    """A study explained: printed, it is the page of `quantbench explain`."""

    results: Results
    explanation: Explanation

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The causes that were found, the weightiest first."""
        return self.explanation.findings

    def __str__(self) -> str:
        return as_text(explanation_page(self.explanation, self.results), _WIDTH)


@dataclass(frozen=True)
class OwnStudy:
    """A finished study: printed, it is the answer and the table; so it is in a notebook."""

    task: Task
    results: Results
    out: Path
    notes: tuple[str, ...] = ()
    """The notes on the network, its samples and what can't be used here, a line each."""
    judged_by: Metric | None = None
    """How rows are judged, where that is a function of the user's."""

    @property
    def answer(self) -> str:
        """The answer in sentences; a line for each batch size where they differ."""
        return "\n".join(answer.text for answer in answers_of(self.results))

    @property
    def ship(self) -> Shipped:
        """The row to ship for one sample at a time, else for batches.

        Raises UsageError where the answer is to keep the float network.
        """
        choices = [answer.ship for answer in self.results.answers if answer.ship is not None]
        if not choices:
            raise UsageError(f"no quantized row is worth shipping: {self.answer}")
        row = self.row(choices[0].row)
        return Shipped(row, load_artifact(self.out / row.artifact))

    def recommend(
        self,
        *,
        max_drop: Amount | None = None,
        max_size: Amount | None = None,
        max_latency: Amount | None = None,
        minimize: str = "latency",
        batch: int | None = None,
    ) -> Chosen:
        """Choose the row to ship within limits, by the rule of docs/reading.md.

        A limit is a text with a unit, such as "80kB" or "50us", or a number of bytes, microseconds
        a sample or, for `max_drop`, points where the metric is a fraction and else its own unit.
        Raises UsageError for what is no limit.
        """
        asked = limits(
            self.results.metric,
            max_drop=max_drop,
            max_size=max_size,
            max_latency=max_latency,
            minimize=minimize,
            batch=batch,
        )
        selection = select_within(self.results, asked)
        return Chosen(selection, told(selection, self.results, self.out, self.results.findings))

    def explain(
        self,
        *,
        rows: Sequence[str] | None = None,
        max_drop: float | None = None,
        predict_on: str | None = None,
        only: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> Why:
        """Find out why each row is smaller, slower or less accurate; printed, it is the page.

        `rows`: names of rows to look into; None: those that the answer is about. `max_drop`: find
        the layers to leave float so that the score falls by no more, in points where the metric is
        a fraction. `predict_on`: kernels of the generated C, such as "avx2", with which its times
        are predicted. `only`: sections, as docs/explain.md names them. explanation.json is written
        into the study's folder. Raises UnknownNameError for a name that there isn't.
        """
        asked = Asked(
            rows=None if rows is None else tuple(rows),
            max_drop=max_drop,
            predict_on=predict_on and known_kernels(predict_on),
            metric=self.judged_by,
        )
        done = explain(
            Options(out=self.out),
            progress=progress or Lines(),
            asked=asked,
            only=only,
            load=lambda *_: self.task,
        )
        return Why(done.results, done.explanation)

    def row(self, name: str) -> Row:
        """The row of this name, such as "ort_static on c99". Raises UsageError."""
        rows = {row.name: row for row in self.results.rows}
        if name not in rows:
            raise UsageError(f"there is no row '{name}'; there are {', '.join(rows)}")
        return rows[name]

    def to_dicts(self) -> list[dict[str, object]]:
        """A flat dict for each row: method, runtime, bytes, score, times and ratios."""
        return flat_rows(self.results)

    def to_dataframe(self) -> Any:
        """The rows as a pandas DataFrame. Raises ImportError where pandas isn't installed."""
        return import_module("pandas").DataFrame(self.to_dicts())

    def page(self, *, all_rows: bool = False, details: bool = False, width: int = _WIDTH) -> str:
        """The answer and the table as text; the options are those of `quantbench show`."""
        view = View(all_rows=all_rows, details=details)
        return as_text(comparison(self.results, view), width)

    def __str__(self) -> str:
        return self.page()

    def _repr_html_(self) -> str:
        return study_html(self.results, notes=self.notes)


def study(
    network: nn.Module | str | Path,
    *,
    test: object,
    calibration: object = None,
    train: object = None,
    weights: Path | str | None = None,
    quantized: Path | str | None = None,
    name: str | None = None,
    metric: str | Callable[..., object] | None = None,
    margin: float | None = None,
    methods: Sequence[str] | None = None,
    runtimes: Sequence[str] | None = None,
    settings: Overrides | None = None,
    budget: float | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    hold_out: float | None = None,
    preprocessing: Preprocessing | None = None,
    classes: Sequence[str] = (),
    seed: int = 1,
    out: Path | str = "results",
    fresh: bool = False,
    progress: Progress | None = None,
) -> OwnStudy:
    """Quantize a network every practical way, measure each result, and say which one to ship.

    `network` is an nn.Module, which stays as it is, or a source such as "net.onnx", "net.pt2" or
    "package:callable" with `weights`. `test`, `calibration` and `train` are each (x, y), x, a
    DataLoader, any iterable of batches, or the path of a file .npz, .npy or .csv or of a folder of
    images by class; without `calibration`, a part of `train` or of `test` is set aside. `metric`
    is a metric's name, or a function of (outputs, targets) that gives a value for each sample, or
    one for all; scores that differ by less than `margin` (points where it is a fraction) are
    equivalent. `quantized` is the file of a quantized form that you have, measured beside
    the others. `settings` are by method, such as {"ort_static": {"percentile": "99.9"}}. `budget`
    is in seconds. `jobs` rows are evaluated at a time, here or on the Dask scheduler `cluster`,
    such as "tcp://host:8786". Each finished step is kept in `out`, so that a second call takes
    less. Notes on the network and its samples go to standard error, unless `progress` takes them,
    and stand in the study's `notes`.

    Raises QuantbenchError with one line that names what is wrong and what to do.
    """
    own = Own(
        network=network,
        test=test,
        calibration=calibration,
        train=train,
        weights=None if weights is None else Path(weights),
        name=name,
        metric=metric if isinstance(metric, str) else "",
        hold_out=hold_out,
        preprocessing=preprocessing,
        classes=tuple(classes),
        seed=seed,
    )

    def load(space: Workspace, progress: Progress) -> Task:
        task = own_task(own, space.scratch / "given", progress)
        return task if quantized is None else with_given(task, Path(quantized), progress)

    chosen = {
        "margin": margin,
        "methods": methods,
        "runtimes": runtimes,
        "budget_seconds": budget,
        "jobs": jobs,
        "cluster": cluster,
    }
    given = {key: value for key, value in chosen.items() if value is not None}
    options = Options.model_validate({"out": Path(out), "fresh": fresh, "seed": seed, **given})
    judged_by: Metric | None = metric_of(metric) if callable(metric) else None
    kept = Kept(progress or Lines())
    done = pipeline.run(options, settings, kept, load=load, metric=judged_by)
    write(done.results, options.out)
    notes = tuple(dict.fromkeys(kept.lines))
    return OwnStudy(done.task, done.results, options.out, notes, judged_by)
