"""The parts of each step that threads compute at the same time: rows, positions or channels.

An image lies as [H, W, C], so some of its rows, or of its positions, are an image of their own in
the same memory. A convolution's rows are a convolution of the rows that its windows read, with the
pads that are left above and below. So a part is a step like any other, for which every kernel is
there, and its bits are those of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from quantbench.c99.ir.graph import BYTES, ONE_ROW, Node, Place, Plan, Shape, Step, Window
from quantbench.c99.nodes.conv import Conv

MEETING = 400.0
"""Nanoseconds until all threads know that all have arrived, with some to spare: it is measured by
benchmarks/c99_threads.py."""
_START = 1500.0
"""Nanoseconds to hand a call over to threads that wait for one."""
LINE = 150.0
"""Nanoseconds until a line of 64 bytes that one processor wrote is in the cache of another."""
_LEAST_SAVED = (0.0, MEETING, 4 * MEETING)
"""What a layer must save to be divided. A short one that isn't is computed where the first thread
is, and others read it from there: so each of these is tried for the whole network."""
_LEAST_GAIN = 1.1
_MACS, _MACS_DEPTHWISE, _BYTES = 200.0, 70.0, 32.0
"""Multiply-adds, and bytes moved, in a nanosecond, by kernels for wide registers: slower ones gain
more than is expected."""
_UNEVEN = 1.05
"""The largest share of a part, in equal shares, for which rows stay whole."""
_CHANNELS = 16
"""Parts of channels are multiples of this: one register of the widest kind holds so many."""
Pieces = tuple[Step, ...]
"""One step for each thread, or a single one, which the first thread computes."""


@dataclass(frozen=True)
class Division:
    """The parts of a plan: in each stage, the steps of each thread, which no other waits for.

    `stages[s][t]`: the numbers of the steps of the plan, with what thread t computes of each.
    """

    count: int
    stages: tuple[tuple[tuple[tuple[int, Step], ...], ...], ...]
    divided: int
    """The number of steps of which every thread computes a part."""
    alone: float
    """The expected nanoseconds of one thread."""
    together: float
    """The expected nanoseconds of all threads."""

    @property
    def pays(self) -> bool:
        """Whether threads are expected to be faster by enough."""
        return self.alone >= _LEAST_GAIN * self.together

    @property
    def sentence(self) -> str:
        """A sentence that tells what is expected."""
        times = f"{self.together / 1e3:.3g} us, and {self.alone / 1e3:.3g} on one"
        if self.pays:
            layers = f"{self.divided} layers are computed in {self.count} parts"
            return f"{layers}, in {len(self.stages)} stages: {times}, are expected."
        return f"One thread computes an image: {self.count} would take {times}, as expected."


def divided(plan: Plan, count: int) -> Division:
    """The division of a plan for `count` threads that is expected to take the least time."""
    divisions = (divided_above(plan, count, least) for least in _LEAST_SAVED)
    return min(divisions, key=lambda division: division.together)


def divided_above(plan: Plan, count: int, least_saved: float) -> Division:
    """The division in which each layer that saves more nanoseconds than this is divided."""
    pieces = [_pieces(plan, step, count, least_saved) for step in plan.steps]
    alone = sum(_nanoseconds(plan, step, step) for step in plan.steps)
    stages = _stages(plan, pieces, count)
    together = _START + MEETING * len(stages)
    for number, (step, parts) in enumerate(zip(plan.steps, pieces, strict=True)):
        together += max(
            _nanoseconds(plan, step, part) + _moved(plan, pieces, number, thread) / 64 * LINE
            for thread, part in enumerate(parts)
        )
    return Division(count, stages, sum(len(parts) > 1 for parts in pieces), alone, together)


def _pieces(plan: Plan, step: Step, count: int, least_saved: float) -> Pieces:
    """The parts of a step, where they are expected to save enough nanoseconds."""
    parts = _of_channels(plan, step, count) or _of_rows(plan, step, count)
    if parts is None:
        return (step,)
    longest = max(_nanoseconds(plan, step, part) for part in parts)
    return parts if _nanoseconds(plan, step, step) - longest > least_saved else (step,)


def _nanoseconds(plan: Plan, step: Step, part: Step) -> float:
    """The expected time of a part of a step, on one thread."""
    depthwise = isinstance(step.work, Conv) and step.work.groups > 1
    rate = _MACS_DEPTHWISE if depthwise else _MACS
    bytes_ = part.output.bytes + sum(place.bytes for place in part.inputs)
    return plan.macs(step) * (part.output.size / step.output.size) / rate + bytes_ / _BYTES


def _moved(plan: Plan, pieces: Sequence[Pieces], number: int, thread: int) -> int:
    """The bytes that a part reads and another thread wrote."""
    total = 0
    for place in pieces[number][thread].inputs:
        reads = _bytes(plan, place)
        before = (at for at in reversed(range(number))
                  if _overlap(_bytes(plan, plan.steps[at].output), reads))  # fmt: skip
        for other, part in enumerate(pieces[at] if (at := next(before, None)) is not None else ()):
            _, begin, end = _bytes(plan, part.output)
            if other != thread:
                total += max(0, min(end, reads[2]) - max(begin, reads[1]))
    return total


def _of_channels(plan: Plan, step: Step, count: int) -> Pieces | None:
    """The parts of a layer that gives one position, by its channels."""
    output = step.output
    channels = output.shape[0]
    units = channels // _CHANNELS
    if output.size != channels or units < count:
        return None
    cuts = [*(units * part // count * _CHANNELS for part in range(count)), channels]
    parts = []
    for number, (begin, end) in enumerate(pairwise(cuts)):
        work = step.work.of_outputs(begin, end)
        if work is None:
            return None
        place = _slice(plan, output, begin, (end - begin, *output.shape[1:]))
        parts.append(_part(step, number, work, step.inputs, place))
    return (*parts,)


def _of_rows(plan: Plan, step: Step, count: int) -> Pieces | None:
    """The parts of a step by rows; by positions where rows would be shared unevenly."""
    window, output = step.work.row_window, step.output
    if window is None or len(output.shape) != 3:
        return None
    _, height, width = output.shape
    uneven = -(-height // count) * count > _UNEVEN * height
    if uneven and _single(step.work, window) and _all_positions(step):
        flat = replace(step, inputs=tuple(map(_flat, step.inputs)), output=_flat(output))
        return _cut(plan, flat, window, height * width, count)
    return _cut(plan, step, window, height, count)


def _single(work: Node, window: Window) -> bool:
    """Whether each output is computed from one position alone."""
    return window == ONE_ROW and not (isinstance(work, Conv) and work.pooling)


def _all_positions(step: Step) -> bool:
    """Whether every input has one position, or all of them."""
    sides = step.output.shape[1:]
    return all(len(place.shape) == 3 and place.shape[1:] in (sides, (1, 1))
               for place in step.inputs)  # fmt: skip


def _flat(place: Place) -> Place:
    """An image as a column of its positions: each is a row."""
    channels, height, width = place.shape
    return replace(place, shape=(channels, height * width, 1))


def _cut(plan: Plan, step: Step, window: Window, height: int, count: int) -> Pieces | None:
    """The parts of a step whose output has so many rows."""
    if height < count:
        return None
    parts = []
    for number, (begin, end) in enumerate(
        pairwise(height * at // count for at in range(count + 1))
    ):
        read = _read(plan, step, window, begin, end)
        if read is None:
            return None
        inputs, top, bottom = read
        channels, _, width = step.output.shape
        stride = channels * width
        place = _slice(plan, step.output, begin * stride, (channels, end - begin, width))
        parts.append(_part(step, number, step.work.of_rows(top, bottom), inputs, place))
    return (*parts,)


def _read(
    plan: Plan, step: Step, window: Window, begin: int, end: int
) -> tuple[tuple[Place, ...], int, int] | None:
    """The rows of each input that some rows of outputs read, and those above and below them."""
    stride, top = window.strides[0], window.pads[0]
    first = begin * stride - top
    last = (end - 1) * stride - top + (window.kernel[0] - 1) * window.dilations[0] + 1
    inputs, above, below = [], 0, 0
    for place in step.inputs:
        if len(place.shape) != 3:
            return None
        channels, height, width = place.shape
        if window == ONE_ROW and height == 1 < step.output.shape[1]:
            inputs.append(place)
            continue
        low, high = max(first, 0), min(last, height)
        if low >= high:
            return None
        above, below = low - first, last - high
        shape = (channels, high - low, width)
        inputs.append(_slice(plan, place, low * channels * width, shape))
    return (*inputs,), above, below


def _slice(plan: Plan, place: Place, begin: int, shape: Shape) -> Place:
    """Some of a place's values, which lie one behind the other, from number `begin` on."""
    in_scratch = place.at.startswith("scratch")
    unit = BYTES[place.type] // BYTES[plan.input.type] if in_scratch else 1
    return replace(place, at=f"{place.at} + {begin * unit}" if begin else place.at, shape=shape)


def _part(step: Step, number: int, work: Node, inputs: tuple[Place, ...], output: Place) -> Step:
    return replace(
        step, identifier=f"{step.identifier}_p{number}", work=work, inputs=inputs, output=output
    )


@dataclass(frozen=True)
class _Touched:
    """The bytes that a step reads and writes, as (memory, begin, end)."""

    reads: tuple[tuple[str, int, int], ...]
    write: tuple[str, int, int]

    def conflicts(self, other: _Touched) -> bool:
        """Whether the two can't run in any order."""
        mine, others = (self.write, *self.reads), (other.write, *other.reads)
        return any(_overlap(self.write, range_) for range_ in others) or any(
            _overlap(other.write, range_) for range_ in mine
        )


def _overlap(a: tuple[str, int, int], b: tuple[str, int, int]) -> bool:
    return a[0] == b[0] and a[1] < b[2] and b[1] < a[2]


def _touched(plan: Plan, step: Step) -> _Touched:
    reads = tuple(_bytes(plan, place) for place in step.inputs)
    return _Touched(reads, _bytes(plan, step.output))


def _bytes(plan: Plan, place: Place) -> tuple[str, int, int]:
    name, *offsets = place.at.split(" + ")
    unit = BYTES[plan.input.type] if name == "scratch" else BYTES[place.type]
    begin = sum(map(int, offsets)) * unit
    return name, begin, begin + place.bytes


def _stages(
    plan: Plan, pieces: Sequence[Pieces], count: int
) -> tuple[tuple[tuple[tuple[int, Step], ...], ...], ...]:
    """The parts in their order, with a meeting before whatever needs what another thread did."""
    stages: list[list[list[tuple[int, Step]]]] = []
    since: list[list[_Touched]] = []
    for number, parts in enumerate(pieces):
        touched = [_touched(plan, part) for part in parts]
        waits = any(
            own.conflicts(other)
            for thread, own in enumerate(touched)
            for at, others in enumerate(since)
            if at != thread
            for other in others
        )
        if waits or not stages:
            stages.append([[] for _ in range(count)])
            since = [[] for _ in range(count)]
        for thread, part in enumerate(parts):
            stages[-1][thread].append((number, part))
            since[thread].append(touched[thread])
    return tuple(tuple(tuple(own) for own in stage) for stage in stages)
