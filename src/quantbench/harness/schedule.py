"""How long and how finely to measure."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from quantbench.system.record import Record

Kind = Literal["model", "end_to_end"]
Cell = tuple[Kind, int]
"""What is timed, and at which batch."""

LEAST_ROUNDS = 6
"""Fewer have no 95 % interval of their median that is free of a distribution's shape."""
LEAST_STARTS = 5
"""From so many fresh starts on, the spread between them can be estimated."""


class Plan(Record):
    """The default study: each row at batch 1 and at a large one, on as many rounds as fit."""

    batches: tuple[int, ...] = (1, 1000)
    share: float = Field(default=0.06, gt=0, description="seconds of calls in a cell of a round")
    most_calls: int = Field(default=200, gt=0, description="in a cell of a round")
    least: int = Field(default=10, ge=1, description="rounds of a start")
    most: int = Field(default=25, ge=1)
    seconds: float = Field(default=45.0, description="that the rounds of a start may take")
    starts: int = Field(default=1, ge=1, description="fresh starts of every worker, at least")
    reading: bool = Field(default=True, description="also time the loop that reads its images")
    budget: float = Field(default=60.0, description="seconds within which starts are repeated")
    timeout: float = Field(default=300.0, gt=0, description="seconds that a worker may be silent")

    @model_validator(mode="after")
    def _enough_for_an_interval(self) -> Self:
        if self.starts < LEAST_STARTS and self.least < LEAST_ROUNDS:
            raise ValueError(f"{self.least} rounds of {self.starts} starts have no 95 % interval")
        return self

    @property
    def largest(self) -> int:
        return max(self.batches)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """In the order in which a round takes them."""
        models: tuple[Cell, ...] = tuple(("model", batch) for batch in self.batches)
        return (*models, ("end_to_end", self.largest)) if self.reading else models

    def within(self, images: int) -> Plan:
        """No batch holds more than all the images."""
        batches = tuple(dict.fromkeys(min(batch, images) for batch in self.batches))
        return self.model_copy(update={"batches": batches})

    def calls(self, microseconds: float) -> int:
        """Calls of that length in a cell of a round."""
        return min(self.most_calls, max(1, int(self.share * 1e6 / max(microseconds, 0.01))))

    def rounds(self, seconds: float) -> int:
        """How many rounds to make of one that takes `seconds`."""
        return max(self.least, min(self.most, int(self.seconds / max(seconds, 1e-6))))

    def starts_in(self, seconds: float) -> int:
        """Fresh starts, when one takes `seconds`: too few to tell their spread are not repeated."""
        fit = int(self.budget / max(seconds, 1e-6))
        return max(self.starts, min(fit, 2 * LEAST_STARTS) if fit >= LEAST_STARTS else 1)

    def on_more_threads(self) -> Plan:
        """For the numbers of threads after the first: no reading, and not more than is needed."""
        return self.model_copy(
            update={"starts": min(self.starts, LEAST_STARTS), "budget": 0.0, "reading": False}
        )


FULL = Plan(batches=(1, 8, 64, 256, 1000), share=0.015, least=4, most=4, starts=8, budget=0.0)
QUICK = Plan(seconds=8.0, budget=0.0)
