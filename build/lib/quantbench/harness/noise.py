"""Records of what disturbed a measurement, by block: time that was stolen, and the clock rate.

Blocks are dropped by what the system tells about the processor, never by their times.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from quantbench.harness.schedule import MIN_BLOCKS
from quantbench.system.processors import megahertz, stolen
from quantbench.system.record import Record

MOST_STOLEN = 0.02
"""The share of a block's time that a hypervisor may take before the block is dropped."""
MOST_DROPPED = 1 / 3
"""The share of a start's blocks that are dropped at most: beyond it all are kept."""


class Block(Record):
    """A stretch of a start in which every row had its turns."""

    start: int
    seconds: float = Field(description="wall time of all rows' turns, requests included")
    stolen: float | None = Field(
        description="share of it that the hypervisor gave to others; null where not told"
    )
    megahertz: float | None = Field(description="clock rate at its end; null where not told")
    kept: bool = True


class Noise(Record):
    """The circumstances in which a study's times were taken."""

    processors: tuple[int, ...] = Field(
        (), description="that workers were pinned to on one thread; none where they weren't"
    )
    siblings: tuple[int, ...] = Field((), description="that share a core with these")
    blocks: tuple[Block, ...] = ()
    request: float | None = Field(
        None, description="microseconds that a slice costs beside its timed calls, median"
    )
    start_seconds: float | None = Field(
        None, description="of one further start of the rows that were started again"
    )


@dataclass
class Clock:
    """Tells what a stretch of time was like on some processors; `begin`, then `block`."""

    start: int
    processors: Sequence[int]
    _began: float = 0.0
    _stolen: float | None = None

    def begin(self) -> None:
        """Begin a block."""
        self._began, self._stolen = time.monotonic(), stolen(self.processors)

    def block(self) -> Block:
        """The block that ends here."""
        seconds, before, now = time.monotonic() - self._began, self._stolen, stolen(self.processors)
        known = self.processors and before is not None and now is not None
        return Block(
            start=self.start,
            seconds=round(seconds, 4),
            stolen=round((now - before) / max(seconds, 1e-9), 4) if known else None,  # type: ignore[operator]
            megahertz=megahertz(self.processors[0]) if self.processors else None,
        )


def sifted(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks of one start, those marked to be dropped in which too much was stolen.

    All are kept where more would be dropped than MOST_DROPPED, or too few left for an interval.
    """
    robbed = [block.stolen is not None and block.stolen > MOST_STOLEN for block in blocks]
    left = len(blocks) - sum(robbed)
    if sum(robbed) > MOST_DROPPED * len(blocks) or left < MIN_BLOCKS:
        return tuple(blocks)
    return tuple(
        block.model_copy(update={"kept": not dropped})
        for block, dropped in zip(blocks, robbed, strict=True)
    )
