"""The time that a study may take, and how much of it is left."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Deadline:
    """A budget of `seconds`, None for no limit, that began when this was made."""

    seconds: float | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that are left: infinite without a limit, never below 0."""
        if self.seconds is None:
            return math.inf
        return max(self.began + self.seconds - time.monotonic(), 0.0)

    def spent(self, share: float) -> bool:
        """Whether `share` of the budget is spent; never without a limit."""
        return self.seconds is not None and self.left <= (1 - share) * self.seconds
