"""The time and memory that a study will take, estimated from one forward pass.

It is an estimate: docs/checks.md states how far it was off.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from quantbench.harness.schedule import MIN_BLOCKS, Schedule
from quantbench.studies.capabilities import rows
from quantbench.studies.choose import ChosenMethod, Runtimes
from quantbench.system.machine import cores
from quantbench.system.record import Record
from quantbench.tasks.records import Layer
from quantbench.tasks.task import Task

LOAD_SECONDS = 1.5
"""A fresh worker process imports its runtime and loads an artifact."""
WRITE_SECONDS = 5.0
"""A method traces, converts and writes one artifact, and reads it back."""
TRAINING_PASSES = 3.0
"""A step of training costs a forward pass and two as long backward (fake quantization included)."""
CALIBRATION_PASSES = 2.0
"""A calibrated method runs the float network with observers."""
STUDY_BYTES = 900 * 2**20
"""The study's own process: Python, PyTorch and the libraries that quantize."""
WORKER_BYTES = 250 * 2**20
"""A worker process without its network: Python and one runtime."""
_FLOAT = 4


class Estimate(Record):
    """Seconds and bytes that a study is expected to take, by its stages."""

    rows: int
    quantizing_seconds: float
    evaluating_seconds: float
    timing_seconds: float
    memory_bytes: int

    @property
    def seconds(self) -> float:
        """The time of the whole study."""
        return self.quantizing_seconds + self.evaluating_seconds + self.timing_seconds


def estimate(
    task: Task,
    layers: Sequence[Layer],
    methods: dict[str, ChosenMethod | str],
    runtimes: Runtimes,
    schedule: Schedule,
    threads: Sequence[int],
    sample_seconds: float,
) -> Estimate:
    """Estimate a study from `sample_seconds`, the float network's time for one sample in a batch.

    Rows are taken to be as fast as the float network, methods to succeed on each format.
    """
    count = rows(methods, runtimes)
    schedule = schedule.within(max(len(task.test), 1))
    schedule = schedule if task.reader else schedule.without_reading()
    evaluating = count * (LOAD_SECONDS + len(task.test) * sample_seconds) / cores()
    return Estimate(
        rows=count,
        quantizing_seconds=sum(
            _quantizing(task, chosen, runtimes, sample_seconds)
            for chosen in methods.values()
            if isinstance(chosen, ChosenMethod)
        ),
        evaluating_seconds=evaluating,
        timing_seconds=sum(
            _timing(schedule if index == 0 else schedule.on_more_threads(), count, sample_seconds)
            for index in range(len(threads))
        ),
        memory_bytes=_memory(task, layers, count, schedule.largest),
    )


def _quantizing(
    task: Task, chosen: ChosenMethod, runtimes: Runtimes, sample_seconds: float
) -> float:
    """Seconds of one method for all formats that a runtime takes; a training is made once."""
    formats = [f for f in chosen.plugin.module.FORMATS if runtimes.accepting(f)]
    settings = chosen.settings.model_dump(mode="json")
    if not formats:
        return 0.0
    if "epochs" in settings and task.train is not None:
        samples = min(len(task.train), _number(settings.get("images"), len(task.train)))
        training = _number(settings["epochs"], 1) * samples * TRAINING_PASSES * sample_seconds
        return training + len(formats) * WRITE_SECONDS
    calibrated = min(len(task.calibration), _number(settings.get("images"), 0))
    return len(formats) * (WRITE_SECONDS + calibrated * CALIBRATION_PASSES * sample_seconds)


def _timing(schedule: Schedule, count: int, sample_seconds: float) -> float:
    """Seconds of all starts on one number of threads: every row, at each batch, in a block's turn.

    Rows that aren't started again save what is not known before: all of them are counted.
    """
    calls = count * sum(batch * sample_seconds for _, batch in schedule.cells)
    load = count * LOAD_SECONDS / cores()
    look = load + max(schedule.look_seconds, MIN_BLOCKS * calls)
    further = load + max(schedule.start_seconds, MIN_BLOCKS * calls)
    return look + (schedule.starts - 1) * further


def _memory(task: Task, layers: Sequence[Layer], count: int, batch: int) -> int:
    """Bytes at the peak: while rows are timed, every one has its process with its network."""
    weights = _FLOAT * sum(layer.parameters for layer in layers)
    sizes = sorted((_elements(layer) for layer in layers), reverse=True)
    activations = _FLOAT * batch * sum(sizes[:2])
    inputs = sum(array.nbytes for array in task.test.inputs(0, 1)) * batch
    return STUDY_BYTES + count * (WORKER_BYTES + weights + activations + inputs)


def _elements(layer: Layer) -> int:
    count = 1
    for size in layer.output_shape:
        count *= size
    return count


def _number(value: JsonValue, default: int) -> int:
    return int(value) if isinstance(value, int | float) else default
