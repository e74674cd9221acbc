"""The schedule of a measurement: which batches, how long the slices, how many blocks and starts."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from quantbench.harness.records import LatencyKind
from quantbench.system.record import Record

Cell = tuple[LatencyKind, int]
"""The kind of loop that is timed, and its batch size."""

MIN_BLOCKS = 6
"""Fewer blocks have no distribution-free 95 % interval of their median."""
MIN_STARTS = 5
"""Fewer fresh starts don't show the spread between starts."""
_FINAL_SHARE = 0.5
"""The share of a start's time in which the finalists' slices fit: they are few."""
_LOOK_SHARE = 0.5
"""The share of a bounded time for the slices of a start: its workers load and warm up before."""


class Schedule(Record):
    """The default study: a first look at every row, then further starts of the contenders, and as
    many again of the finalists among them.

    A start is one fresh process for each row. Within it, passes follow one another: in each, every
    row has one slice, in a new order. Passes are grouped in blocks.
    """

    batches: tuple[int, ...] = (1, 1000)
    slice_seconds: float = Field(
        default=0.002, gt=0, description="time of the calls in a slice; one call at least"
    )
    max_calls: int = Field(default=1000, gt=0, description="calls in a slice")
    blocks: int = Field(default=10, ge=MIN_BLOCKS, description="blocks of a start, at most")
    max_passes: int = Field(default=40, ge=1, description="passes of a block at each batch")
    look_seconds: float = Field(
        default=18.0, gt=0, description="time for all slices of the first start"
    )
    start_seconds: float = Field(
        default=3.0, gt=0, description="time for all slices of a further start"
    )
    starts: int = Field(
        default=6, ge=1, description="fresh starts of the rows that decide, the first included"
    )
    every: bool = Field(default=False, description="start every row again, not those that decide")
    reading: bool = Field(default=True, description="also time the loop that reads its samples")
    timeout: float = Field(default=300.0, gt=0, description="seconds to wait for an answer")

    @model_validator(mode="after")
    def _starts_have_an_interval(self) -> Self:
        if 1 < self.starts < MIN_STARTS:
            raise ValueError(f"{self.starts} starts have no interval: make 1, or {MIN_STARTS}")
        return self

    @property
    def largest(self) -> int:
        """The largest batch."""
        return max(self.batches)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells in the order in which a block takes them."""
        models: tuple[Cell, ...] = tuple(("model", batch) for batch in self.batches)
        return (*models, ("end_to_end", self.largest)) if self.reading else models

    def within(self, samples: int, batches: tuple[int, ...] | None = None) -> Schedule:
        """The same schedule with no batch larger than `samples`; `batches` replaces its own."""
        chosen = batches or tuple(dict.fromkeys(min(batch, samples) for batch in self.batches))
        return self.model_copy(update={"batches": chosen})

    def bounded(self, seconds: float) -> Schedule:
        """The same schedule, with a first look that fits into about `seconds`."""
        look = max(_LOOK_SHARE * seconds, 0.1)
        return self.model_copy(
            update={
                "look_seconds": min(self.look_seconds, look),
                "start_seconds": min(self.start_seconds, look),
                "blocks": min(self.blocks, MIN_BLOCKS),
            }
        )

    def without_reading(self) -> Schedule:
        """The same schedule, without the loop that reads raw data."""
        return self.model_copy(update={"reading": False})

    def of_finalists(self) -> Schedule:
        """The schedule of the starts that finalists alone get: it takes less time."""
        seconds = _FINAL_SHARE * self.start_seconds
        return self.without_reading().model_copy(update={"start_seconds": seconds})

    def on_more_threads(self) -> Schedule:
        """The schedule for every number of threads after the first: it reads no data."""
        return self.model_copy(update={"starts": min(self.starts, MIN_STARTS), "reading": False})

    def calls(self, microseconds: float) -> int:
        """The number of calls of `microseconds` each that fill a slice."""
        return min(self.max_calls, max(1, int(self.slice_seconds * 1e6 / max(microseconds, 0.01))))


FULL = Schedule(
    batches=(1, 8, 64, 1000), look_seconds=30.0, start_seconds=30.0, starts=8, every=True
)
QUICK = Schedule(look_seconds=8.0, starts=1)
FIRST = Schedule(look_seconds=4.0, blocks=MIN_BLOCKS, starts=1, reading=False)
"""The schedule of a first answer, which is refined afterwards."""
