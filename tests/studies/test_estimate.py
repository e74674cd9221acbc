"""The estimate of a study: how it grows, and what a worker really takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.harness.pool import write_samples
from quantbench.harness.process import Worker
from quantbench.harness.schedule import Schedule
from quantbench.harness.worker import Request
from quantbench.studies.choose import choose_methods, choose_runtimes
from quantbench.studies.estimate import Estimate, _Row, estimate
from quantbench.system.machine import environment
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.task import Task

IDLE = environment().model_copy(update={"load": 0.0, "cores": 2})
ONE = ("float32",), ("onnxruntime",)
LOOK = Schedule(look_seconds=10, starts=1)


def estimated(
    task: Task,
    methods: tuple[str, ...] = ("float32", "static", "ort_static"),
    runtimes: tuple[str, ...] = ("onnxruntime", "torch"),
    schedule: Schedule = LOOK,
    sample_seconds: float = 1e-5,
    load: float = 0.0,
) -> Estimate:
    return estimate(
        task,
        network_layers(task.network),
        choose_methods(methods, {}),
        choose_runtimes(runtimes),
        schedule,
        (1,),
        sample_seconds,
        IDLE.model_copy(update={"load": load}),
    )


def test_rows_are_formats_on_runtimes(task: Task) -> None:
    found = estimated(task)
    assert found.rows == 4  # float32 twice, static on torch, ort_static on onnxruntime
    assert estimated(task, *ONE).rows == 1


def test_other_programs_take_their_share(task: Task) -> None:
    """With three of them each has half a core of two; what is timed has its own seconds."""
    alone, busy = estimated(task), estimated(task, load=3.0)
    assert busy.quantizing_seconds == pytest.approx(2 * alone.quantizing_seconds)
    assert alone.timing_seconds <= busy.timing_seconds < 2 * alone.timing_seconds
    assert estimated(task, load=1.0) == alone


def test_a_slow_network_takes_longer_and_a_large_one_is_timed_at_smaller_batches(
    task: Task,
) -> None:
    slow = estimated(task, sample_seconds=0.1)
    assert slow.timing_seconds > 10 * estimated(task).timing_seconds
    layers = [layer.model_copy(update={"macs": 10**9}) for layer in network_layers(task.network)]
    chosen = choose_methods(("float32",), {}), choose_runtimes(("onnxruntime",))
    large = estimate(task, layers, *chosen, LOOK, (1,), 0.1, IDLE)
    assert large.timing_seconds < estimated(task, *ONE, sample_seconds=0.1).timing_seconds / 5


def test_a_program_that_is_compiled_takes_a_minute(task: Task) -> None:
    with_it = estimated(task, ("float32",), ("onnxruntime", "torch_compile"))
    assert with_it.quantizing_seconds > 60 + estimated(task, ("float32",)).quantizing_seconds


@pytest.mark.parametrize(
    ("method", "runtime"), [("ort_static", "onnxruntime"), ("static", "torch")]
)
def test_a_worker_takes_about_what_is_estimated(
    artifacts: Callable[[str, str, str], Artifact],
    task: Task,
    tmp_path: Path,
    method: str,
    runtime: str,
) -> None:
    """Bytes that it can't share, as the kernel counts them: within a factor of 1.5."""
    (format,) = plugins.method(method).FORMATS
    artifact = artifacts("lenet", method, format)
    write_samples(tmp_path / "samples", task.test)
    load = Request(
        do="load", artifact=str(artifact.folder), runtime=runtime, outputs=task.network.outputs
    )
    with Worker("one", 1, tmp_path) as worker:
        worker.ask(Request(do="samples", samples=str(tmp_path / "samples")), 120)
        worker.ask(load, 120)
        rollup = Path(f"/proc/{worker._process.pid}/smaps_rollup").read_text()
    (kilobytes,) = (line.split()[1] for line in rollup.splitlines() if "Anonymous:" in line)
    held = int(kilobytes) * 1024
    expected = _Row(format, choose_runtimes((runtime,)).working[0]).start.bytes
    assert expected / 1.5 < held < 1.5 * expected
