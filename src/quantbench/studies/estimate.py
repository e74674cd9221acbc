"""The time and memory that a study will take, estimated from one forward pass.

It is an estimate: docs/checks.md says how it is made up, and how far it was off.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from quantbench.contracts import Plugin, RuntimeModule
from quantbench.harness.pool import Job, batch_size
from quantbench.harness.schedule import MIN_BLOCKS, Schedule
from quantbench.harness.timing import schedule_for
from quantbench.studies.choose import ChosenMethod, Runtimes
from quantbench.system.machine import Environment
from quantbench.system.record import Record
from quantbench.tasks.records import Layer
from quantbench.tasks.task import Task


class _Start(NamedTuple):
    """A worker's start: processor seconds to load its runtime and a row, bytes that it holds."""

    seconds: float
    bytes: int


_STARTS = {
    "executorch": _Start(3.0, 160 * 2**20),
    "torch": _Start(7.0, 200 * 2**20),
    "quantbench": _Start(6.0, 60 * 2**20),  # it compiles C
}
"""The cost of a start, by a library that a runtime names, the first that is here."""
_START = _Start(1.0, 50 * 2**20)
"""The cost of a start of any other runtime."""
_COMPILING = {"pt2": 60.0}
"""Seconds in which a runtime compiles a program when it first sees it, by the format."""
_WRITING = {
    "state_dict": (0.2, 0.02),
    "pt2": (0.8, 0.03),
    "onnx": (1.3, 0.05),
    "executorch": (6.0, 0.15),
}
"""Seconds to trace, convert and write an artifact by its format: of any, and of each layer."""
_WRITING_ANY = (2.0, 0.1)
TRAINING_PASSES = 3.0
"""A step of training costs a forward pass and two as long backward (fake quantization included)."""
CALIBRATION_PASSES = 2.0
"""A calibrated method runs the float network with observers."""
STUDY_BYTES = 450 * 2**20
"""The study's own process: Python, PyTorch and the libraries that quantize."""
STUDY_WEIGHTS, WORKER_WEIGHTS = 8, 2
"""Copies of the weights while a network is converted, and of a loaded one."""
WARM_UP_CALLS = 6
CONTENDING = 0.5
"""The share of the rows that could be the answer, or that these are compared with."""
_FINAL_SHARE = 0.5
"""The time of a start of the finalists, as a share of that of a start of the contenders."""
_FLOAT = 4


class Estimate(Record):
    """Seconds and bytes that a study is expected to take, by its stages.

    Rows are evaluated while others are quantized: `evaluating_seconds` come after that.
    `memory_bytes` counts what processes can't share, at the most.
    """

    rows: int
    quantizing_seconds: float
    evaluating_seconds: float
    timing_seconds: float
    memory_bytes: int

    @property
    def seconds(self) -> float:
        """The time of the whole study."""
        return self.quantizing_seconds + self.evaluating_seconds + self.timing_seconds


class _Row(NamedTuple):
    """A row that a study has if its method succeeds: a format on a runtime."""

    format: str
    runtime: Plugin[RuntimeModule]

    @property
    def start(self) -> _Start:
        libraries = self.runtime.module.LIBRARIES
        return next((_STARTS[name] for name in libraries if name in _STARTS), _START)


def estimate(
    task: Task,
    layers: Sequence[Layer],
    methods: dict[str, ChosenMethod | str],
    runtimes: Runtimes,
    schedule: Schedule,
    threads: Sequence[int],
    sample_seconds: float,
    machine: Environment,
) -> Estimate:
    """Estimate a study from `sample_seconds`, the float network's time for a sample on one core.

    Rows are taken to be as fast as the float network, methods to succeed on each format, and
    programs that run beside, by the load of `machine`, to go on.
    """
    chosen = [method for method in methods.values() if isinstance(method, ChosenMethod)]
    rows = [
        _Row(format, runtime)
        for method in chosen
        for format in method.plugin.module.FORMATS
        for runtime in runtimes.accepting(format)
    ]
    schedule = _schedule(task, layers, schedule, machine)
    busy = max(1.0, (1 + (machine.load or 0.0)) / machine.cores)
    quantizing = sum(
        _quantizing(task, method, runtimes, layers, sample_seconds) for method in chosen
    )
    trying = sum(row.start.seconds for row in {row.runtime.name: row for row in rows}.values())
    compiling = sum(_COMPILING.get(row.format, 0.0) for row in rows)
    evaluating = sum(row.start.seconds + len(task.test) * sample_seconds for row in rows)
    first = quantizing + trying + compiling
    both = max(first, (first + evaluating) / machine.cores)
    return Estimate(
        rows=len(rows),
        quantizing_seconds=busy * first,
        evaluating_seconds=busy * (both - first),
        timing_seconds=sum(
            _timing(schedule if index == 0 else schedule.on_more_threads(), rows, sample_seconds,
                    machine.cores, busy)
            for index in range(len(threads))
        ),
        memory_bytes=_memory(task, layers, rows, schedule.largest),
    )  # fmt: skip


def _schedule(
    task: Task, layers: Sequence[Layer], schedule: Schedule, machine: Environment
) -> Schedule:
    """The schedule as far as the task allows it; nothing is kept or started."""
    nowhere = Path()
    job = Job(
        task=task,
        threads=(1,),
        schedule=schedule,
        machine=machine,
        evaluations=nowhere,
        timings=nowhere,
        scratch=nowhere,
        macs=sum(layer.macs for layer in layers),
    )
    return schedule_for(job)


def _quantizing(
    task: Task,
    chosen: ChosenMethod,
    runtimes: Runtimes,
    layers: Sequence[Layer],
    sample_seconds: float,
) -> float:
    """Seconds of one method for all formats that a runtime takes; a training is made once."""
    formats = [f for f in chosen.plugin.module.FORMATS if runtimes.accepting(f)]
    settings = chosen.settings.model_dump(mode="json")
    if not formats:
        return 0.0
    writing = 0.0
    for format in formats:
        fixed, by_layer = _WRITING.get(format, _WRITING_ANY)
        writing += fixed + by_layer * len(layers)
    if "epochs" in settings and task.train is not None:
        samples = min(len(task.train), _number(settings.get("images"), len(task.train)))
        training = _number(settings["epochs"], 1) * samples * TRAINING_PASSES * sample_seconds
        return training + writing
    calibrated = min(len(task.calibration), _number(settings.get("images"), 0))
    return writing + len(formats) * calibrated * CALIBRATION_PASSES * sample_seconds


def _timing(
    schedule: Schedule, rows: Sequence[_Row], sample_seconds: float, cores: int, busy: float
) -> float:
    """Seconds of all starts on one number of threads: every row, at each batch, in a block's turn.

    Which rows are started again isn't known before: half of them are taken to be, and half of these
    to be finalists.
    """
    share = 1.0 if schedule.every else CONTENDING
    calls = busy * len(rows) * sum(batch * sample_seconds for _, batch in schedule.cells)
    load = busy * sum(row.start.seconds for row in rows) / cores
    warm_up = WARM_UP_CALLS * calls
    look = max(schedule.look_seconds, MIN_BLOCKS * calls)  # workers have loaded to evaluate
    again = share * (load + warm_up)
    further = again + max(schedule.start_seconds, share * MIN_BLOCKS * calls)
    final = 0.0 if schedule.every or schedule.starts == 1 else _FINAL_SHARE * further
    return warm_up + look + (schedule.starts - 1) * further + schedule.starts * final


def _memory(task: Task, layers: Sequence[Layer], rows: Sequence[_Row], batch: int) -> int:
    """Bytes at the peak: while rows are timed, every one has its process with its network."""
    weights = _FLOAT * sum(layer.parameters for layer in layers)
    sizes = sorted((math.prod(layer.output_shape) for layer in layers), reverse=True)
    sample = sum(array.nbytes for array in task.test.inputs(0, 1))
    evaluated = max(batch, batch_size(task.test))
    held = WORKER_WEIGHTS * weights + evaluated * (_FLOAT * sum(sizes[:2]) + sample)
    study = STUDY_BYTES + STUDY_WEIGHTS * weights
    return study + sum(row.start.bytes + held for row in rows)


def _number(value: JsonValue, default: int) -> int:
    return int(value) if isinstance(value, int | float) else default
