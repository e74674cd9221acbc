"""Contracts of plug-ins: the names that each kind of file defines. tests/contracts checks them all.

`unavailable` and `refuses` are optional: a plug-in that has nothing to say leaves them out. They
are called by `plugins.why_unavailable` and `plugins.why_refused`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from quantbench.samples.records import Array, Arrays
from quantbench.system.progress import Progress
from quantbench.system.record import Settings

if TYPE_CHECKING:
    from pydantic import JsonValue
    from torch import fx, nn

    from quantbench.artifacts.artifact import Artifact
    from quantbench.data import DataSpec
    from quantbench.numerics.coverage import Kind, Reading
    from quantbench.samples.records import Samples
    from quantbench.samples.splits import SampleSplits
    from quantbench.tasks.network import Network

M = TypeVar("M")

Predict: TypeAlias = Callable[..., Any]
"""predict(*inputs) -> array | tuple of arrays: an array [N, ...] for each input of the network in
its order. A network of one output gives its array [N, ...]; one of several, a tuple of them."""

S_co = TypeVar("S_co", bound=Settings, covariant=True)


@dataclass(frozen=True)
class Plugin(Generic[M]):
    """A plug-in, found by its name: its module, and the source file that its results depend on."""

    name: str
    module: M
    source: Path


REQUIRED = {
    "data": frozenset({"SPEC"}),
    "models": frozenset({"INPUT_SHAPE", "build"}),
    "methods": frozenset({"FORMATS", "LIBRARIES", "SETTINGS", "quantize"}),
    "runtimes": frozenset({"ACCEPTS", "LIBRARIES", "load"}),
    "metrics": frozenset({"UNIT", "HIGHER_IS_BETTER"}),
    "findings": frozenset({"TITLE", "find"}),
}
"""Folder -> the names that each of its plug-ins defines, by which a file's kind is known."""
OR_ELSE = {"data": frozenset({"CLASSES", "TITLE", "load"})}
"""Folder -> the names that a plug-in may define in place of REQUIRED's."""


class DataModule(Protocol):
    """A data set in MNIST's form, with its name, files and sources described by SPEC."""

    SPEC: DataSpec


class LoadsSamples(Protocol):
    """A data set of any other form; CLASSES are the classes' names, () where its files say them."""

    TITLE: str
    CLASSES: tuple[str, ...]

    def load(
        self, folder: Path | None, *, offline: bool, log: Callable[[str], None]
    ) -> SampleSplits:
        """The splits, disjoint, from the folder that the user names; None where none is named.

        `offline` leaves the network alone; `log` receives a line for each thing that the user
        should know. Raises DataFileError for damaged files, DataUnavailableError without any.
        """


@dataclass(frozen=True)
class DataSet:
    """A data set, whichever of the two forms its plug-in has."""

    name: str
    title: str
    classes: tuple[str, ...]
    load: Callable[..., SampleSplits]
    """`load(folder, offline=..., log=...)`, as in LoadsSamples."""
    spec: DataSpec | None
    """Its files and sources, where it has MNIST's form."""


class ModelModule(Protocol):
    """A network to train and quantize, for inputs of INPUT_SHAPE: [C, H, W], without the batch."""

    INPUT_SHAPE: tuple[int, int, int]

    def build(self) -> nn.Module:
        """A new network with PyTorch's own initialisation, drawn from the global seed."""


@dataclass(frozen=True)
class FurtherTraining:
    """The samples and the recipe for a method that trains the float network further."""

    samples: Samples
    """Training samples with their targets."""
    recipe: Mapping[str, JsonValue] | None
    """The settings of the recipe that the float network was trained by; None where unknown."""
    folder: Path
    """A finished training may be stored here, so that each format starts from the same."""
    depends_on: Mapping[str, JsonValue]
    """Hashes of the network, its state, the samples and the recipe: part of a stored key."""


@dataclass(frozen=True)
class QuantizeJob(Generic[S_co]):
    """The task of a method: a network, samples that aren't test data, a folder to write to."""

    network: Network
    """The float network; its module is a fresh copy each time, which the method may change."""
    calibration: Samples
    """Samples to observe, the same for every method. Read them batch by batch."""
    settings: S_co
    format: str
    """The format to write, one of the method's FORMATS."""
    folder: Path
    """Empty; all that is in it afterwards is the artifact."""
    progress: Progress
    training: FurtherTraining | None = None
    """The means of further training; None where the task has no training samples."""


@dataclass(frozen=True)
class Files:
    """A method's notes on the files that it wrote; layers and formats are read from the files."""

    kind: Kind = "real"
    notes: tuple[str, ...] = ()
    """A sentence each, for the user."""
    why_float: Callable[[str], str] | None = None
    """Kind of layer -> why the method leaves such a layer float32, where the file can't tell."""
    left_float: Mapping[str, str] = field(default_factory=dict)
    """Layer -> why the runtime that the file is for multiplies it in float32 all the same."""
    graph: fx.GraphModule | None = None
    """The PT2E graph that was written: it knows the layer of each node, which no file keeps."""


@dataclass(frozen=True)
class Skeleton:
    """A converted module whose state_dict can be loaded."""

    module: nn.Module
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Observer, by its place in `module` -> least and greatest integer that it may use."""


class MethodModule(Protocol):
    """A way to quantize: it turns the float network into an artifact in one of FORMATS.

    LIBRARIES are the distributions whose versions an artifact depends on; SETTINGS is the record
    of the settings that the user may give. Its file may define:

    - QUANTIZES, a tuple of str: kinds of layers (classes of torch.nn, operators of ONNX) that it
      is known to put on integers. `quantbench check` names them; of others it says "will try";
    - TAKES_ONNX, True: it also quantizes a network that is an ONNX file.
    """

    FORMATS: tuple[str, ...]
    LIBRARIES: tuple[str, ...]
    SETTINGS: type[Settings]

    def quantize(self, job: QuantizeJob[Settings]) -> Files:
        """Write the files of one artifact into the empty `job.folder`.

        It never sees test data. The same job gives the same bytes.
        """


class StateDictMethodModule(MethodModule, Protocol):
    """A method that writes the format "state_dict", which needs its module to be read."""

    def skeleton(
        self, float_model: nn.Module, settings: Settings, stored: Collection[str]
    ) -> Skeleton:
        """The converted module before its state is loaded; `float_model` may be changed.

        `stored`: the names in the state, which tell how the method wrapped the network.
        """


class CoverageReader(Protocol):
    """A module `export/FORMAT_coverage.py`, which reads back the files of one format."""

    def read(self, job: QuantizeJob[Settings], files: Files, method: MethodModule) -> Reading:
        """Read from the files in `job.folder` in which number formats each layer is computed.

        Raises ArtifactError for a file that can't be read back.
        """


class RuntimeModule(Protocol):
    """An inference runtime: it executes artifacts of the formats that ACCEPTS names.

    LIBRARIES are the distributions whose versions its results depend on.
    """

    ACCEPTS: frozenset[str]
    LIBRARIES: tuple[str, ...]

    def load(self, artifact: Artifact, threads: int) -> Predict:
        """Load a verified artifact; the function returned predicts on exactly `threads` threads."""


class SeldomDefault(Protocol):
    """A runtime or method that says whether a study takes it unasked."""

    DEFAULT: bool
    """Written as True or False: it is read without importing. Absent, it is True."""


class SometimesUnavailable(Protocol):
    """A plug-in that can't work everywhere."""

    def unavailable(self) -> str | None:
        """The reason why it can't work on this machine, in a sentence for the user, or None."""


class SometimesRefuses(RuntimeModule, Protocol):
    """A runtime that can't run every artifact of the formats that it accepts."""

    def refuses(self, artifact: Artifact) -> str | None:
        """The reason why it can't run this artifact, though it accepts its format, or None.

        It is called in the study's own process, before anything is loaded.
        """


@dataclass(frozen=True)
class Observation:
    """The inputs of a metric: one row's outputs for the test samples, and the artifact's size."""

    outputs: Arrays
    """One array [N, ...] for each output of the network."""
    float_outputs: Arrays
    """The same outputs of float32 on the same runtime."""
    targets: Array | None
    """[N, ...]; None where the samples have none."""
    bytes: int


class MetricModule(Protocol):
    """A figure of merit in UNIT, computed for each row of a study.

    Its file defines one of METRIC_FUNCTIONS as well, which the protocols below describe, and may
    define:

    - TITLE, a str: its name in tables and sentences; the file's name where it is absent;
    - OUTPUT, an int or None: the network's output that it reads, the first where it is absent;
      None stands for all of them, as a tuple;
    - MARGIN, a float: a row is called worse only where its figure is shown to fall short of
      float32's by more than that; 0 where it is absent.
    """

    UNIT: str
    HIGHER_IS_BETTER: bool


class PerSampleMetricModule(MetricModule, Protocol):
    """A metric that has a value for each sample: paired tests apply, and the figure is the mean."""

    def per_sample(self, outputs: Array, targets: Array) -> Array:
        """The samples' values [N]: bool for right or wrong, else float.

        It is called only where there are targets. Raises UnavailableError, whose message is the
        reason, where it doesn't apply to such outputs or targets.
        """


class AgainstFloatMetricModule(MetricModule, Protocol):
    """A metric that compares each sample's outputs with those of float32, and needs no targets."""

    def per_sample_against_float(self, outputs: Array, float_outputs: Array) -> Array:
        """The samples' values [N]: bool for alike or not, else float.

        Raises UnavailableError as `per_sample` does.
        """


class WholeSetMetricModule(MetricModule, Protocol):
    """A metric of the whole test set, whose interval takes many calls on resampled sets."""

    def compute(self, seen: Observation) -> float:
        """The row's figure; NaN or infinite where the metric isn't defined.

        Raises UnavailableError as `per_sample` does.
        """


METRIC_FUNCTIONS = ("per_sample", "per_sample_against_float", "compute")
"""Each metric defines one of these."""
