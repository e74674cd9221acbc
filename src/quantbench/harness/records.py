"""Records of the harness: the raw times of a row, or the reason why it has none."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from quantbench.system.record import Record

LatencyKind = Literal["model", "end_to_end"]
"""Whether only the model's call is timed, or the loop that also reads its samples."""


class Latency(Record):
    """The times of one row at one batch size, by block; in each pass of it all rows had a slice."""

    batch: int
    threads: int
    kind: LatencyKind
    blocks: tuple[Annotated[tuple[float, ...], Field(min_length=1)], ...] = Field(
        min_length=1, description="microseconds a sample: the median call of each slice, by block"
    )
    starts: tuple[int, ...] = Field(
        description="the start of the worker that each block belongs to"
    )
    median: float = Field(gt=0, description="over the blocks' medians, microseconds a sample")
    p95: float = Field(description="over all calls, microseconds a sample")
    p99: float = Field(description="over all calls, microseconds a sample")


CountSource = Literal["perf_event", "valgrind"]
"""The processor's own counter, or a simulated processor, which has no AVX-512."""


class Instructions(Record):
    """The instructions of a call at one batch, outside of the kernel, on one thread."""

    batch: int
    by_sample: float = Field(gt=0, description="instructions of a call over its samples")
    source: CountSource


class Throughput(Record):
    """The batch and threads at which a row answers most images a second."""

    images_per_second: float
    batch: int
    threads: int


class Skipped(Record):
    """An artifact that has no row on a runtime, with the reason; "*" stands for every one."""

    method: str
    runtime: str
    reason: str
    failed: bool = Field(False, description="it was tried and its runtime failed")
