"""A task: a network, samples of its data, and the metric that it is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace

from quantbench.samples.records import Samples
from quantbench.tasks.network import Network
from quantbench.tasks.records import Training


@dataclass(frozen=True)
class Task:
    """A network and the samples that it is quantized by and judged on, in disjoint splits."""

    network: Network
    data: str
    """The title of the data: the name of a data set, or of what was given."""
    calibration: Samples
    test: Samples
    train: Samples | None = None
    metric: str = ""
    """The name of the metric that every row is judged by; "" for the obvious one."""
    margin: float | None = None
    """The difference of scores below which two rows are equivalent: points where the metric is a
    fraction, else its own unit; None for the metric's default."""
    classes: tuple[str, ...] = ()
    """The names of the classes, in the order of the outputs; () where there are none."""
    preprocessing_sha256: str = ""
    """Identifies the preprocessing from raw data to inputs; "" where the data came prepared."""
    reader: str = ""
    """The data set whose reading from raw data is timed as well; "" for none."""
    given: Network | None = None
    """A quantized form of the network that the user has, to be measured beside what methods write;
    None where there is none."""
    training: Training | None = None
    """How the network was trained, where this package trained it."""

    @property
    def name(self) -> str:
        """The name of the network."""
        return self.network.name

    @property
    def splits(self) -> tuple[Samples, ...]:
        """The splits that there are, train first."""
        return (*(() if self.train is None else (self.train,)), self.calibration, self.test)

    def without_test(self) -> Task:
        """The same task with an empty test split: the task that a method is given."""
        return replace(self, test=self.test.part(0, 0))
