"""Frozen records that are written to disk. docs/formats.md gives the same in prose.

Every float is finite: what isn't a number is stored as null beside a reason.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

RESULTS_SCHEMA = 1


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Settings(Record):
    """What a user may set on a plug-in; each plug-in derives its own."""


class Layer(Record):
    """One leaf module of a float network, in the order in which data passes it."""

    name: str
    kind: str
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    activation: str | None = Field(None, description="the activation that follows directly")
    output_shape: tuple[int, ...] = Field(description="without the batch")
    parameters: int
    macs: int = Field(description="multiply-adds for one input")


class LayerNumerics(Record):
    """What a method did to one layer that multiplies."""

    name: str
    kind: str
    macs: int
    integer: bool = Field(description="its multiply-adds run on integers")
    weights: str
    activations: str
    reason: str | None = Field(None, description="why it stayed float")
    scale: float | None = Field(None, description="of its output, where it has one")
    zero_point: int | None = None


class Coverage(Record):
    """Where a network's multiply-adds ended up."""

    integer_macs: int
    float_macs: int

    @property
    def float_share(self) -> float:
        return self.float_macs / (self.float_macs + self.integer_macs)


class Quantized(Record):
    """What a method says of what it wrote."""

    numerics: str = Field(description="number formats of weights and activations")
    layers: tuple[LayerNumerics, ...]
    structure: str = Field(description="the converted network as its framework prints it")
    kind: Literal["float", "real", "simulated"] = "real"
    notes: tuple[str, ...] = ()

    @property
    def coverage(self) -> Coverage:
        integer = sum(layer.macs for layer in self.layers if layer.integer)
        return Coverage(
            integer_macs=integer, float_macs=sum(layer.macs for layer in self.layers) - integer
        )


class ArtifactBody(Record):
    model: str
    data: str
    method: str
    format: str
    settings: dict[str, JsonValue]
    checkpoint_sha256: str
    quantized: Quantized


class Epoch(Record):
    epoch: int
    test_loss: float
    test_accuracy: float
    seconds: float


class Training(Record):
    """How a checkpoint came to be."""

    model: str
    data: str
    recipe: str
    seed: int
    settings: dict[str, JsonValue]
    threads: int
    loss_every: int
    losses: tuple[float, ...] = Field(description="training loss at every `loss_every`-th batch")
    epochs: tuple[Epoch, ...]


class Environment(Record):
    """The machine and the libraries that a figure belongs to."""

    cpu: str
    architecture: str
    instruction_sets: tuple[str, ...]
    cores: int = Field(description="that this process may use: affinity and quota")
    memory_bytes: int
    governor: str | None
    load: float | None = Field(None, description="at the start, average of the last minute")
    system: str
    python: str
    versions: dict[str, str]


class Interval(Record):
    value: float
    low: float
    high: float


class Latency(Record):
    """Rounds of one row at one batch size; all rows were measured in turn within a round."""

    batch: int
    threads: int
    kind: Literal["model", "end_to_end"]
    rounds: tuple[Annotated[tuple[float, ...], Field(min_length=1)], ...] = Field(
        min_length=1, description="microseconds an image, by call"
    )
    starts: tuple[int, ...] = Field(description="of each round: in which start of the worker")
    median: float = Field(gt=0, description="over the rounds' medians, microseconds an image")
    p95: float = Field(description="over all calls, microseconds an image")
    p99: float = Field(description="over all calls, microseconds an image")


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


class Throughput(Record):
    """The batch and threads at which a row answers most images a second."""

    images_per_second: float
    batch: int
    threads: int


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


class Skipped(Record):
    method: str
    runtime: str
    reason: str
    failed: bool = Field(False, description="it was tried and its engine failed")


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


class Claim(Record):
    """One of the source report's claims, answered from measurements."""

    claim: str
    answer: str
