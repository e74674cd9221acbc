"""Frozen records that are written to disk. docs/formats.md gives the same in prose.

Every float is finite: what isn't a number is stored as null beside a reason.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from quantbench.harness.records import Latency, Skipped, Throughput
from quantbench.numerics.coverage import Coverage
from quantbench.system.machine import Environment
from quantbench.system.record import Record
from quantbench.training.records import Training

RESULTS_SCHEMA = 1


class Interval(Record):
    value: float
    low: float
    high: float


class Ratio(Record):
    """Float time over this row's time: above 1 this row is faster."""

    baseline: str
    batch: int
    threads: int
    kind: Literal["model", "end_to_end"]
    value: float = Field(description="of the starts' median ratios, or of all rounds' (few starts)")
    low: float = Field(description="95 % interval, floor included")
    high: float
    starts: int = Field(description="fresh starts of both workers")
    floor: float = Field(description="relative difference below which nothing is claimed")
    verdict: Literal["faster", "slower", "not shown to differ"]


class AgainstFloat(Record):
    """A row against float32 in the same engine, over the same images and rounds."""

    baseline: str
    bytes_ratio: float = Field(description="float bytes over this row's bytes")
    loss_difference: float | None
    accuracy_difference: float
    only_float_right: int
    only_this_right: int
    mcnemar_p: float = Field(description="exact, two-sided")
    speed: tuple[Ratio, ...] = ()


class Metric(Record):
    value: float | None
    unit: str
    higher_is_better: bool


class Row(Record):
    method: str
    runtime: str
    format: str
    settings: dict[str, JsonValue]
    numerics: str
    kind: Literal["float", "real", "simulated"]
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
    metrics: dict[str, Metric] = Field(description="every file of measure/")
    threads: int = Field(description="that the runtime was given")
    busy_threads: float = Field(description="processor time over wall time at the largest batch")
    warm_up: int = Field(description="rounds of calls until its times were steady")
    cold_start: float = Field(description="seconds: import, load, answer one image; median")
    peak_memory: int = Field(description="bytes that the worker held at most")
    latency: tuple[Latency, ...]
    throughput: Throughput
    against_float: AgainstFloat | None = Field(description="null for float32 itself")
    against_fastest: tuple[Ratio, ...] = Field(
        description="against the fastest float32 of any engine, by batch"
    )
    pareto: bool = Field(
        False, description="none is as accurate, as fast at 1 image and as small, and one better"
    )
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.method} on {self.runtime}"


class Choice(Record):
    """A quantized row, and what it brings and costs."""

    row: str
    bytes_saved: int = Field(description="of the bytes of the fastest float32")
    speed: Ratio = Field(description="against the fastest float32")
    accuracy: Interval = Field(
        description="less that of float32 in the same engine: fraction, 95 % paired interval"
    )


class Share(Record):
    """Where the shipped row and the fastest float32 are of one engine: what that engine gains
    without quantization, over the fastest float32 of the other engines.
    """

    float32: str = Field(description="the fastest float32 of another engine")
    engine: Ratio = Field(description="of the fastest float32 over that one")
    whole: Ratio = Field(description="of the shipped row over that one")


class Answer(Record):
    """Which row to ship for one batch size."""

    batch: int
    threads: int
    float32: str = Field(description="the fastest float32 of any engine at this batch")
    ship: Choice | None = Field(None, description="null: keep float32")
    smallest: Choice | None = Field(
        None, description="where float32 is kept: the fewest bytes not shown less accurate"
    )
    share: Share | None = None


class Results(Record):
    schema_version: int = RESULTS_SCHEMA
    quantbench: str
    model: str
    data: str
    parameters: int
    macs: int
    checkpoint: str
    checkpoint_sha256: str
    training: Training
    splits: dict[str, str] = Field(description="split -> SHA-256 of its images and labels")
    preprocessing_sha256: str
    environment: Environment
    data_loading: Latency = Field(description="reading images as end_to_end does, no model")
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...] = ()
    answers: tuple[Answer, ...] = Field((), description="for one image and for the largest batch")
