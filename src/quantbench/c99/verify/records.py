"""The records of a verification, as --json writes them."""

from __future__ import annotations

from quantbench.system.record import Record


class FirstDifference(Record):
    """The first sample and value that differ from the integer graph.

    `sample`, `output` and `place` count from 0; `place` is in ONNX's order, without the batch.
    `layer`: the first whose own output differs; None where that isn't known, for the reason `note`.
    """

    sample: int
    output: int = 0
    place: tuple[int, ...]
    value: int
    expected: int
    layer: str | None
    note: str | None = None


class Execution(Record):
    """The C on one machine, or with one set of kernels, bit for bit.

    `equal`: samples whose outputs all have the integer graph's bits. `failed`: why it could not be
    built or run there; `missing`: what this machine lacks for it. Then `samples` is 0.
    """

    cpu: str
    how: str
    samples: int = 0
    equal: int = 0
    first: FirstDifference | None = None
    failed: str | None = None
    missing: str | None = None

    @property
    def passed(self) -> bool:
        """Whether it ran, and all bits agree."""
        return self.samples > 0 and self.equal == self.samples


class Worst(Record):
    """A sample that is far from a reference: both answers, as index of the largest output."""

    sample: int
    largest: float
    answer: int | None
    reference: int | None


class Distance(Record):
    """How far the integer graph's outputs are from a reference's.

    Differences are in steps of the output's 8-bit integers if `in_steps`, else in the output's own
    numbers. `shares`: of all values, by their difference, rounded to whole steps: 0, 1, 2, or 3 and
    more; () otherwise. `same_answer`: the share of samples with the same largest output; None for
    an output of one number. `by_sample`: the largest difference of each sample.
    """

    to: str
    in_steps: bool
    mean: float
    largest: float
    output_range: float
    shares: tuple[float, ...]
    same_answer: float | None
    changed: tuple[int, ...]
    """The samples with another answer."""
    worst: tuple[Worst, ...]
    by_sample: tuple[float, ...]


class Verification(Record):
    """The outcome of `quantbench verify`; SHA-256 in hexadecimal digits."""

    folder: str
    model: str
    model_sha256: str
    data: str
    data_sha256: str
    samples: int
    executions: tuple[Execution, ...]
    distances: tuple[Distance, ...]
    unmeasured: tuple[str, ...] = ()
    """The references that there is no distance to, and why."""
