"""The records of explanation.json; docs/formats.md describes them in prose.

Every float is finite. Times are microseconds of one call, counts of multiply-adds are of one
sample, and a row is named as in results.json: "static on torch".
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from quantbench.numerics.coverage import LayerNumerics
from quantbench.results.records import Finding, Interval
from quantbench.system.record import Record

EXPLANATION_SCHEMA = 1

Ran = Literal["integer", "float", "unknown"]
Part = Literal["integer", "float", "conversion", "other", "call"]
"""Where time goes: integer layers that multiply, float ones, quantize/dequantize/reorder, other
operators (pooling, activations, copies), and the fixed cost of a call."""


class LayerRan(Record):
    """The way in which one layer that multiplies was computed in a row."""

    ran: Ran = Field(description="as the runtime's profiler tells, else as the file says")
    numerics: LayerNumerics = Field(description="its number formats, as the file holds them")
    depthwise: bool = False
    us: float | None = Field(None, description="its time, where it was profiled by name")


class RanAs(Record):
    """The layers of a row as they ran, in the network's order."""

    row: str
    layers: tuple[LayerRan, ...]


class LayerTime(Record):
    """The time of one operator that a runtime executed, as its own profiler tells."""

    name: str = Field(description="as the runtime calls it; the network's layer where it is known")
    kind: str = Field(description="operator, as the runtime calls it")
    part: Part
    us: float = Field(description="scaled to the unprofiled call")
    macs: int = 0


class Limit(Record):
    """The least time that this CPU could take for a row's multiply-adds and weights."""

    compute_us: float = Field(description="multiply-adds over the measured peak of their format")
    memory_us: float = Field(
        description="bytes of weights over the measured bandwidth of the cache, or memory, they fit"
    )
    bound_by: Literal["compute", "memory"]
    share: float = Field(description="the larger of the two over the measured time, 0 to 1")


class TimeSplit(Record):
    """The parts of the time of one row at one batch and number of threads."""

    row: str
    batch: int
    threads: int
    total_us: float = Field(description="of an unprofiled call, measured beside the profile")
    profiled_us: float = Field(description="of the call while its profiler ran")
    profiler: str = Field(description='what told the parts: "ONNX Runtime\'s profiler"')
    parts: dict[Part, float] = Field(description="us; they sum to total_us")
    layers: tuple[LayerTime, ...]
    limit: Limit | None = None
    note: str = ""


class Unsplit(Record):
    """A row whose time could not be split, and why."""

    row: str
    reason: str


class Peaks(Record):
    """The limits that one core of this CPU reaches, measured by small C programs."""

    macs_per_us: dict[str, float] = Field(
        description="instruction set and format -> multiply-adds: 'avx2 float32', 'avx512vnni int8'"
    )
    bytes_per_us: dict[str, float] = Field(description="reading: 'memory', 'l2', 'l1'")
    cycles_per_us: float = Field(0.0, description="the clock meanwhile: dependent additions")


class Prediction(Record):
    """The predicted times of a row and of float32 on a CPU with another set of kernels.

    What ran is the row's C with these kernels, on this CPU.

    `float32_us` and `ratio` are None for a set with other float32 kernels, or none.
    """

    row: str
    float32: str = Field(description="the row that it is compared with")
    kernels: str = Field(description='the set: "avx2"')
    measured_with: str = Field(description="the set that this CPU's C is built with")
    batch: int
    int8_us: float
    float32_us: float | None = None
    ratio: float | None = Field(None, description="float32's time over this row's")


class LayerError(Record):
    """The numerical error of one layer's output, over samples, against float32."""

    layer: str
    kind: str
    sqnr_db: float = Field(description="10 log10(signal power / error power), with all before it")
    made_db: float = Field(description="the same where the layer itself is fed float32's values")
    channel_db: float | None = Field(
        None, description="median over its channels of what made_db is of each"
    )
    cosine: float
    largest_steps: float = Field(
        description="largest error over the step of the output's format; 0: it stays float"
    )
    clipped: float = Field(
        description="share of float values outside the format's range, by over half a step"
    )
    levels_used: int
    levels: int = Field(description="that the format has: 256 for 8 bits; 0: it stays float")
    constant_channels: int = Field(0, description="output channels that never vary")
    constant_in_float: int = Field(0, description="those that never vary in float32 either")
    channels: int = 0


class Histogram(Record):
    """The distribution of one tensor's float values, with the range that was chosen for them."""

    tensor: str
    layer: str
    what: Literal["weights", "activations"]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    low: float = Field(description="least value that the format holds")
    high: float


class ErrorByLayer(Record):
    """The numerical error of one artifact, layer by layer in the network's order."""

    artifact: str = Field(description='method and format: "ort_static onnx"')
    samples: int
    layers: tuple[LayerError, ...]
    histograms: tuple[Histogram, ...] = ()


class LayerSensitivity(Record):
    """The cost of quantizing one layer alone, and the gain of leaving it alone float."""

    layer: str = Field(description='its name; "layer1.*" for a block that was taken as one')
    macs: int
    alone: Interval = Field(description="score with only this layer quantized, less float32's")
    alone_loss: float = Field(
        description="mean squared difference of the outputs to float32's, over float32's variance"
    )
    all_but: Interval | None = Field(
        None, description="score with this layer alone in float, less that of all quantized"
    )


class Mixed(Record):
    """The cheapest set of layers to leave float so that the score falls by no more than asked."""

    max_drop: float = Field(description="in `unit`")
    unit: str = Field(description='the metric\'s, "points" where that is a fraction: 0.01')
    left_float: tuple[str, ...]
    float_macs_share: float = Field(description="read from the file that the recipe gives")
    difference: Interval = Field(description="measured, against float32")
    recipe: str = Field(description="file with the recipe, relative to explanation.json")
    reached: bool = Field(description="the difference's whole interval falls by no more")


class Sensitivity(Record):
    """The sensitivity of a network's layers under one method."""

    method: str
    samples: int
    layers: tuple[LayerSensitivity, ...]
    mixed: Mixed | None = None
    notes: tuple[str, ...] = Field((), description="what was left out, and why; a sentence each")


class CalibrationPoint(Record):
    """The score after calibration on so many samples, over several draws of them."""

    observer: str
    samples: int
    mean: float
    low: float = Field(description="the least of the draws")
    high: float = Field(description="the greatest of them")
    draws: int


class Calibration(Record):
    """The score against the number of calibration samples."""

    method: str
    unit: str
    points: tuple[CalibrationPoint, ...]
    enough: int | None = Field(
        None,
        description="the fewest samples of the first observer beyond which nothing is shown to be "
        "gained; null where too few were tried to tell",
    )
    notes: tuple[str, ...] = Field((), description="what was left out, and why; a sentence each")


class ChangedSample(Record):
    """A test sample whose answer differs between float32 and a row."""

    index: int
    target: int | None
    float_answer: int
    answer: int
    float_probability: float
    probability: float
    picture: str = Field(
        "",
        max_length=40_000,
        pattern=r"^[A-Za-z0-9+/=]*$",
        description="of an image: a small PNG in base64; of one row's first samples alone",
    )


class DifferingSample(Record):
    """A test sample whose outputs differ from float32's, where they tell no class of it."""

    index: int
    difference: float = Field(
        description="root mean square, over the spread of float32's outputs over the samples"
    )


class ClassChange(Record):
    """The samples of one class that float32 and a row answer right."""

    label: str
    samples: int
    float_right: int
    right: int


class Disagreement(Record):
    """The samples that a row answers unlike float32 in the same runtime."""

    row: str
    samples: int
    changed: int = Field(
        description="whose class, or if outputs are no classes any number, differs"
    )
    only_float_right: int
    only_this_right: int
    float_probability_of_changed: float | None = Field(
        None, description="float's median probability of its answer where the answer changed"
    )
    classes: tuple[ClassChange, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = Field((), description="[target][answer] of this row")
    examples: tuple[ChangedSample, ...] = Field((), description="the largest change first")
    differing: tuple[DifferingSample, ...] = Field(
        (), description="of outputs that are no classes: the largest difference first"
    )


class Explanation(Record):
    """The content of explanation.json: the evidence about a study's rows, and what follows."""

    schema_version: int = EXPLANATION_SCHEMA
    results_sha256: str = Field(description="of the results.json that it explains")
    ran: tuple[RanAs, ...] = ()
    peaks: Peaks | None = None
    times: tuple[TimeSplit, ...] = ()
    unsplit: tuple[Unsplit, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    errors: tuple[ErrorByLayer, ...] = ()
    sensitivity: tuple[Sensitivity, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    disagreement: tuple[Disagreement, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
