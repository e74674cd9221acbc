"""The time that a study may take, how much of it is left, and what each step may use."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

FIRST_ANSWER = 0.6
"""The share of a budget within which a first answer is found; the shares below are of that then."""
QUANTIZING = 0.5
"""The share of a budget within which a method may begin to write a format."""
TRYING = 0.65
"""The share within which an artifact is tried."""
EVALUATING = 0.8
"""The share within which a row's outputs are predicted."""
WARMING = 1.0
"""The share within which workers start and warm up."""
TIMING = 1.2
"""The share within which rounds end: rows that got so far aren't dropped for the last seconds."""


@dataclass(frozen=True)
class Deadline:
    """A limit of `seconds`, None for no limit, that began when this was made."""

    seconds: float | None = None
    began: float = field(default_factory=time.monotonic)
    budget: float | None = None
    """The whole budget in seconds, where this is a share of one."""

    @property
    def left(self) -> float:
        """Seconds that are left: infinite without a limit, never below 0."""
        if self.seconds is None:
            return math.inf
        return max(self.began + self.seconds - time.monotonic(), 0.0)

    @property
    def reason(self) -> str:
        """The reason why something was left out once no time was left, and how to get it."""
        seconds = self.budget or self.seconds or 0.0
        return f"no time was left for it in a budget of {seconds:g} s; a larger budget measures it"

    def spent(self, share: float) -> bool:
        """Whether `share` of the budget is spent; never without a limit."""
        return self.part(share).left <= 0

    def part(self, share: float) -> Deadline:
        """Return the deadline at which `share` of this one is spent."""
        if self.seconds is None:
            return self
        return Deadline(share * self.seconds, self.began, self.budget or self.seconds)


NO_LIMIT = Deadline()
