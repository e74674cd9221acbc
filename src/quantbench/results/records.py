"""The records of results.json; docs/formats.md describes them in prose.

Every float is finite: a value that isn't is stored as null, beside a reason.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from quantbench.harness.noise import Noise
from quantbench.harness.records import (
    Instructions,
    Latency,
    LatencyKind,
    Skipped,
    Throughput,
)
from quantbench.numerics.coverage import Coverage, Kind
from quantbench.numerics.formats import Numerics
from quantbench.samples.images import Preprocessing
from quantbench.system.machine import Environment
from quantbench.system.record import Record
from quantbench.tasks.records import Training

RESULTS_SCHEMA = 5
"""History: docs/formats.md tells it in prose, `results/upgrade.py` reads what is older.

1: first version.
2: a row's `numerics` are records of number formats and no sentence; the format "torch" is called
   "state_dict".
3: rows are judged by any metric: `metric` says which, a row's `samples` and `score` stand for its
   `images`, `correct` and `accuracy`, and `loss` is among `metrics` alone; a comparison with
   float32 holds the `difference` with its interval, the `verdict`, `p` and, for a metric of right
   and wrong, the counts of samples. `network_sha256` stands for the checkpoint, and there may be
   no `training`.
4: times come in short slices: a latency's `blocks` of slices stand for its `rounds` of calls; a
   ratio's verdict is "faster", "slower", "equivalent" or "not resolved", and `noise` tells in
   which circumstances times were taken.
5: `findings` say what the results show by themselves; a row whose runtime computes its file unlike
   another holds in `unlike` how far apart they are.
"""

Verdict = Literal["worse", "better", "equivalent", "not resolved", "not judged"]
SpeedVerdict = Literal["faster", "slower", "equivalent", "not resolved"]
MetricKind = Literal["right_or_wrong", "per_sample", "whole_set"]


class Interval(Record):
    """An estimate with the bounds of its 95 % interval, or without where there is none."""

    value: float
    low: float | None
    high: float | None
    how: str = Field(description="how the interval was made, or why there is none")


class Ratio(Record):
    """Float time over this row's time: above 1 this row is faster."""

    baseline: str
    batch: int
    threads: int
    kind: LatencyKind
    value: float = Field(
        description="mean over the starts' medians, or median of all blocks (few starts)"
    )
    low: float = Field(description="95 % interval, floor included")
    high: float
    starts: int = Field(description="fresh starts of both workers")
    floor: float = Field(description="relative difference that is added on both sides")
    among: int = Field(
        1, description="rows that this one was chosen among: the interval holds for all at once"
    )
    verdict: SpeedVerdict
    resolved_by: int | None = Field(
        None, description="starts that would resolve it, at this spread; null: resolved, or unknown"
    )


class BySeed(Record):
    """A row's score less float32's, where training and calibration were repeated with other seeds.

    The interval of the difference within one seed tells how it would vary over samples; this tells
    how it varies over what the method happened to see.
    """

    differences: tuple[float, ...] = Field(description="the study's own seed first")
    mean: float
    spread: float = Field(description="standard deviation over the seeds")


class AgainstFloat(Record):
    """A row against float32 in the same runtime, over the same samples and rounds."""

    baseline: str
    bytes_ratio: float = Field(description="float bytes over this row's bytes")
    difference: Interval | None = Field(
        description="this row's score less float's; null where one has none"
    )
    verdict: Verdict
    costs: bool = Field(
        False,
        description="its own interval lies on the worse side, whatever the other rows: it isn't "
        "shipped",
    )
    seeds: BySeed | None = Field(
        None, description="over several seeds; a difference within their spread isn't claimed"
    )
    p: float | None = Field(
        None, description="two-sided; McNemar's exact test where the metric is right or wrong"
    )
    adjusted_p: float | None = Field(None, description="for all rows at once (Holm 1979)")
    only_float_right: int | None = Field(
        None, description="samples; null unless the metric is right or wrong"
    )
    only_this_right: int | None = None
    speed: tuple[Ratio, ...] = ()


class AgainstEarlier(Record):
    """A row against the one of its name in an earlier study, both measured in this study.

    How their times compare is told by the blocks of the two, whose slices were taken in turn.
    """

    artifact_sha256: str = Field(description="of the earlier row's artifact")
    differences: dict[str, Interval] = Field(
        description="by metric: this row's figure less the earlier one's; paired interval"
    )
    verdict: Verdict = Field(description="by the study's metric")
    p: float | None = Field(None, description="of that difference, two-sided")


class MetricInfo(Record):
    """The metric that rows are judged by."""

    name: str
    title: str
    unit: str
    higher_is_better: bool
    kind: MetricKind = Field(description="of each sample right or wrong, a number, or neither")
    margin: float = Field(
        0, description="a row is worse only where it falls short of float32 by more"
    )
    equivalence: float = Field(
        0, description="rows that are shown to differ from float32 by less are equivalent to it"
    )


class MetricFigure(Record):
    """The value of one metric for a row; null beside a reason."""

    value: float | None
    unit: str
    higher_is_better: bool
    reason: str | None = None


class Unlike(Record):
    """A runtime that computes a file unlike another; root mean squares over the test samples."""

    runtime: str = Field(description="the other, whose outputs are nearer to float32's")
    apart: float = Field(description="of the difference of the two's outputs")
    error: float = Field(description="of the difference of the other's outputs from float32's")


class Row(Record):
    """One artifact on one runtime: its file, its score and its times."""

    method: str
    runtime: str
    format: str
    settings: dict[str, JsonValue]
    numerics: Numerics = Field(description="number formats of its integer layers; else float32")
    kind: Kind
    artifact: str = Field(description="folder, relative to results.json")
    artifact_sha256: str
    files: dict[str, int] = Field(description="file name -> bytes")
    bytes: int
    coverage: Coverage
    samples: int
    score: Interval | None = Field(description="by the study's metric; null beside a reason")
    score_reason: str | None = None
    metrics: dict[str, MetricFigure] = Field(description="every metric, by name")
    threads: int = Field(description="threads that the runtime may use")
    busy_threads: float = Field(description="processor time over wall time at the largest batch")
    warm_up: int = Field(description="rounds of calls until its times were steady")
    cold_start: float = Field(
        description="seconds to import, load and predict one sample; median of starts"
    )
    peak_memory: int = Field(description="peak resident bytes of the worker")
    latency: tuple[Latency, ...]
    throughput: Throughput
    against_float: AgainstFloat | None = Field(description="null for float32 itself")
    against_fastest: tuple[Ratio, ...] = Field(
        description="against the fastest float32 of any runtime, by batch"
    )
    against_earlier: AgainstEarlier | None = Field(
        None, description="null where no earlier row was measured beside this one"
    )
    pareto: bool = Field(
        False,
        description="no row is as good by the metric, as fast at 1 sample and as small, "
        "and better in one",
    )
    instructions: Instructions | None = Field(
        None, description="null where they weren't asked for or couldn't be counted"
    )
    unlike: Unlike | None = Field(
        None, description="null where every runtime computes the file alike, or none was compared"
    )
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Method and runtime, as rows are called everywhere: "static on torch"."""
        return f"{self.method} on {self.runtime}"


class Choice(Record):
    """A quantized row with what it gains and costs against float32."""

    row: str
    bytes_saved: int = Field(description="bytes of the fastest float32 less this row's")
    speed: Ratio = Field(description="against the fastest float32")
    difference: Interval | None = Field(
        description="its score less that of float32 in the same runtime; paired interval"
    )
    ties: tuple[str, ...] = Field(
        (),
        description="rows that are as fast, within the margin or as far as is shown, but larger or "
        "not as simple",
    )


class Share(Record):
    """The part of a speed-up that is the runtime's: it gains `engine` without quantization.

    It exists where the shipped row and the fastest float32 share a runtime and another runtime
    has a float32. `engine` means the runtime; the name belongs to the file format.
    """

    float32: str = Field(description="the fastest float32 of another runtime")
    engine: Ratio = Field(description="speed of the fastest float32 against that one")
    whole: Ratio = Field(description="speed of the shipped row against that one")


class Recommendation(Record):
    """The row to ship for one batch size, or none: then float32 is kept."""

    batch: int
    threads: int
    float32: str = Field(description="the fastest float32 of any runtime at this batch")
    ship: Choice | None = Field(None, description="null: keep float32")
    smallest: Choice | None = Field(
        None, description="where float32 is kept: the smallest row not shown to be worse"
    )
    share: Share | None = None


class Evidence(Record):
    """A measured value behind a finding."""

    what: str = Field(description='"share of its time in float32 layers"')
    value: float
    unit: str = Field("", description='"%", "us", "layers"; "" for a bare number')


class Finding(Record):
    """A cause, in a sentence, with the measured evidence behind it and a remedy."""

    rule: str = Field(description="name of its file in explain/findings/")
    weight: Literal["fault", "cost", "note"] = Field(
        description="must be mended; costs speed, size or score; is good to know"
    )
    sentence: str
    evidence: tuple[Evidence, ...] = Field(min_length=1)
    remedy: str
    rows: tuple[str, ...] = Field((), description="that it is about; () for the whole study")


class Results(Record):
    """The content of results.json: a study's task, environment, rows and recommendations."""

    schema_version: int = RESULTS_SCHEMA
    quantbench: str
    model: str
    data: str
    parameters: int
    macs: int
    sample: Literal["image", "sample"] = Field("sample", description="what one input is called")
    metric: MetricInfo
    network_sha256: str = Field(description="of structure and weights")
    training: Training | None = Field(None, description="null where it came trained")
    splits: dict[str, str] = Field(description="split -> SHA-256 of its samples and targets")
    preprocessing_sha256: str | None = Field(None, description="null where data came prepared")
    preparation: Preprocessing | None = Field(
        None, description="from an image file to the input; null where samples came as arrays"
    )
    classes: tuple[str, ...] = Field((), description="names, in the order of the outputs, if known")
    environment: Environment
    data_loading: Latency | None = Field(
        None, description="reading the samples as end_to_end does, without a model; null untimed"
    )
    noise: Noise = Field(default_factory=Noise, description="circumstances of the times")
    rows: tuple[Row, ...]
    earlier: tuple[Row, ...] = Field(
        (), description="rows of an earlier study's artifacts, measured beside this study's"
    )
    skipped: tuple[Skipped, ...] = ()
    answers: tuple[Recommendation, ...] = Field(
        (), description="recommendations for one sample and for the largest batch"
    )
    findings: tuple[Finding, ...] = Field(
        (), description="of the rules that need only results, the weightiest first"
    )
