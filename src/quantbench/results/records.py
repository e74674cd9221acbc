"""The records of results.json; docs/formats.md describes them in prose.

Every float is finite: a value that isn't is stored as null, beside a reason.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from quantbench.harness.records import Latency, LatencyKind, Skipped, Throughput
from quantbench.numerics.coverage import Coverage, Kind
from quantbench.numerics.formats import Numerics
from quantbench.system.machine import Environment
from quantbench.system.record import Record
from quantbench.tasks.records import Training

RESULTS_SCHEMA = 2
"""History: docs/formats.md tells it in prose, `results/upgrade.py` reads what is older.

1: first version.
2: a row's `numerics` are records of number formats and no sentence; the format "torch" is called
   "state_dict".
"""


class Interval(Record):
    """An estimate with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


class Ratio(Record):
    """Float time over this row's time: above 1 this row is faster."""

    baseline: str
    batch: int
    threads: int
    kind: LatencyKind
    value: float = Field(
        description="mean over the starts' medians, or median of all rounds (few starts)"
    )
    low: float = Field(description="95 % interval, floor included")
    high: float
    starts: int = Field(description="fresh starts of both workers")
    floor: float = Field(description="relative difference below which nothing is claimed")
    verdict: Literal["faster", "slower", "not shown to differ"]


class AgainstFloat(Record):
    """A row against float32 in the same runtime, over the same images and rounds."""

    baseline: str
    bytes_ratio: float = Field(description="float bytes over this row's bytes")
    loss_difference: float | None
    accuracy_difference: float
    only_float_right: int
    only_this_right: int
    mcnemar_p: float = Field(description="exact, two-sided")
    speed: tuple[Ratio, ...] = ()


class Metric(Record):
    """The value of one metric for a row; null where it isn't finite."""

    value: float | None
    unit: str
    higher_is_better: bool


class Row(Record):
    """One artifact on one runtime: its file, its accuracy and its times."""

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
    images: int
    correct: int
    accuracy: Interval = Field(description="fraction of the test images, 95 % Wilson interval")
    loss: float | None = Field(description="mean negative log likelihood")
    loss_reason: str | None = None
    metrics: dict[str, Metric] = Field(description="every plug-in of metrics/")
    threads: int = Field(description="threads that the runtime may use")
    busy_threads: float = Field(description="processor time over wall time at the largest batch")
    warm_up: int = Field(description="rounds of calls until its times were steady")
    cold_start: float = Field(
        description="seconds to import, load and predict one image; median of starts"
    )
    peak_memory: int = Field(description="peak resident bytes of the worker")
    latency: tuple[Latency, ...]
    throughput: Throughput
    against_float: AgainstFloat | None = Field(description="null for float32 itself")
    against_fastest: tuple[Ratio, ...] = Field(
        description="against the fastest float32 of any runtime, by batch"
    )
    pareto: bool = Field(
        False,
        description="no row is as accurate, as fast at 1 image and as small, and better in one",
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
    accuracy: Interval = Field(
        description="less that of float32 in the same runtime, a fraction; paired interval"
    )


class Share(Record):
    """How much of a speed-up is the runtime's: it gains `engine` without any quantization.

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
        None, description="where float32 is kept: the smallest row not shown to be less accurate"
    )
    share: Share | None = None


class Results(Record):
    """The content of results.json: a study's task, environment, rows and recommendations."""

    schema_version: int = RESULTS_SCHEMA
    quantbench: str
    model: str
    data: str
    parameters: int
    macs: int
    checkpoint_sha256: str
    training: Training
    splits: dict[str, str] = Field(description="split -> SHA-256 of its images and labels")
    preprocessing_sha256: str
    environment: Environment
    data_loading: Latency = Field(
        description="reading the images as end_to_end does, without a model"
    )
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...] = ()
    answers: tuple[Recommendation, ...] = Field(
        (), description="recommendations for one image and for the largest batch"
    )
