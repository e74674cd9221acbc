"""The schedule of a measurement: which batches, how many rounds and starts, how long."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from quantbench.harness.records import LatencyKind
from quantbench.system.record import Record

Cell = tuple[LatencyKind, int]
"""The kind of loop that is timed, and its batch size."""

MIN_ROUNDS = 6
"""Fewer rounds have no distribution-free 95 % interval of their median."""
MIN_STARTS = 5
"""Fewer fresh starts don't show the spread between starts."""
_WARM_UP_ROUNDS = 8
"""The requests of a warm-up, about, each as long as a cell of a round."""
_ROUNDS_SHARE = 0.6
"""The rest of a start loads the workers and warms them up."""


class Schedule(Record):
    """The default study: each row at batch 1 and at a large one, on as many rounds as fit.

    A start is one fresh process for each row; within a start rounds follow one another, and in
    each round every row runs every cell for `cell_seconds`, in `max_calls` calls at most.
    """

    batches: tuple[int, ...] = (1, 1000)
    cell_seconds: float = Field(
        default=0.06, gt=0, description="time of the calls in a cell of a round"
    )
    max_calls: int = Field(default=200, gt=0, description="calls in a cell of a round")
    min_rounds: int = Field(default=10, ge=1, description="rounds of a start")
    max_rounds: int = Field(default=25, ge=1, description="rounds of a start")
    rounds_seconds: float = Field(default=45.0, description="time for the rounds of a start")
    starts: int = Field(default=1, ge=1, description="fresh starts of every worker, at least")
    reading: bool = Field(default=True, description="also time the loop that reads its samples")
    budget_seconds: float = Field(default=60.0, description="time within which starts are repeated")
    timeout: float = Field(default=300.0, gt=0, description="seconds to wait for an answer")

    @model_validator(mode="after")
    def _enough_for_an_interval(self) -> Self:
        if self.starts < MIN_STARTS and self.min_rounds < MIN_ROUNDS:
            raise ValueError(
                f"{self.min_rounds} rounds of {self.starts} starts have no 95 % interval"
            )
        return self

    @property
    def largest(self) -> int:
        """The largest batch."""
        return max(self.batches)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells in the order in which a round takes them."""
        models: tuple[Cell, ...] = tuple(("model", batch) for batch in self.batches)
        return (*models, ("end_to_end", self.largest)) if self.reading else models

    def within(self, samples: int, batches: tuple[int, ...] | None = None) -> Schedule:
        """The same schedule with no batch larger than `samples`; `batches` replaces its own."""
        chosen = batches or tuple(dict.fromkeys(min(batch, samples) for batch in self.batches))
        return self.model_copy(update={"batches": chosen})

    def bounded(self, seconds: float, rows: int) -> Schedule:
        """The same schedule, with rounds and starts of `rows` that fit into about `seconds`.

        The fewest rounds that have an interval are made in any case, each at least once a cell.
        """
        cells = max(1, rows) * len(self.cells) * (MIN_ROUNDS + _WARM_UP_ROUNDS)
        return self.model_copy(
            update={
                "cell_seconds": min(self.cell_seconds, _ROUNDS_SHARE * seconds / cells),
                "min_rounds": min(self.min_rounds, MIN_ROUNDS),
                "rounds_seconds": min(self.rounds_seconds, _ROUNDS_SHARE * seconds),
                "budget_seconds": min(self.budget_seconds, seconds),
            }
        )

    def without_reading(self) -> Schedule:
        """The same schedule, without the loop that reads raw data."""
        return self.model_copy(update={"reading": False})

    def calls(self, microseconds: float) -> int:
        """How many calls of `microseconds` each fit into a cell of a round."""
        return min(self.max_calls, max(1, int(self.cell_seconds * 1e6 / max(microseconds, 0.01))))

    def rounds(self, seconds: float) -> int:
        """How many rounds a start has, when a round takes `seconds`."""
        fit = int(self.rounds_seconds / max(seconds, 1e-6))
        return max(self.min_rounds, min(self.max_rounds, fit))

    def starts_in(self, seconds: float) -> int:
        """How many fresh starts to make, when one takes `seconds`.

        A budget for fewer than MIN_STARTS is left unspent: so few can't tell their spread.
        """
        fit = int(self.budget_seconds / max(seconds, 1e-6))
        return max(self.starts, min(fit, 2 * MIN_STARTS) if fit >= MIN_STARTS else 1)

    def on_more_threads(self) -> Schedule:
        """The schedule for every number of threads after the first.

        It reads no data, and starts no more often than an interval needs.
        """
        return self.model_copy(
            update={
                "starts": min(self.starts, MIN_STARTS),
                "budget_seconds": 0.0,
                "reading": False,
            }
        )


FULL = Schedule(
    batches=(1, 8, 64, 256, 1000),
    cell_seconds=0.015,
    min_rounds=4,
    max_rounds=4,
    starts=8,
    budget_seconds=0.0,
)
QUICK = Schedule(rounds_seconds=8.0, budget_seconds=0.0)
FIRST = Schedule(rounds_seconds=4.0, min_rounds=6, budget_seconds=0.0, reading=False)
"""For a first answer, which is refined afterwards."""
