"""Seconds from the start of `quantbench run` to its first answer, on networks of a user's own.

    python -m benchmarks.first_answer [--repeat 3]

A ResNet-8 as a task file and a multilayer perceptron as an ONNX file, both of tests/families. Each
run is in a new folder, so that nothing is taken from an earlier one, and is stopped once it has
answered; the process and its imports are part of the time. The machine should be idle.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

from quantbench.errors import QuantbenchError
from tests.families import mlp, resnet8
from tests.families.family import Family
from tests.families.fit import fitted

CALIBRATION, TEST, STEPS = 256, 1000, 20
ANSWER = "First answer"
ROOT = Path(__file__).parents[1]
TASK_FILE = """
import numpy as np
import torch

from quantbench import Task
from quantbench.samples.arrays import from_arrays
from quantbench.tasks.source import load_network
from tests.families import resnet8


def task() -> Task:
    net = resnet8.build(1.0)
    net.load_state_dict(torch.load("weights.pt", weights_only=True))
    given = {name: np.load(f"{name}.npz") for name in ("calibration", "test")}
    splits = {name: from_arrays(name, file["x"], file["y"]) for name, file in given.items()}
    network = load_network(net.eval(), example=splits["calibration"], name="resnet8")
    return Task(network=network, data="generated", **splits)
"""


def task_file(folder: Path) -> list[str]:
    """Write a task file with what it loads; returns the arguments of `quantbench run`."""
    write_samples(resnet8.FAMILY, folder)
    torch.save(fitted(resnet8.FAMILY, 1.0, STEPS).state_dict(), folder / "weights.pt")
    (folder / "resnet8_task.py").write_text(TASK_FILE, encoding="utf-8")
    return ["resnet8_task.py"]


def onnx_file(folder: Path) -> list[str]:
    """Write an ONNX file and its samples; returns the arguments of `quantbench run`."""
    write_samples(mlp.FAMILY, folder)
    torch.onnx.export(
        fitted(mlp.FAMILY, 1.0, STEPS),
        (torch.zeros(2, mlp.FEATURES),),
        str(folder / "mlp.onnx"),
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        verbose=False,
    )
    return ["mlp.onnx", "--calibration", "calibration.npz", "--test", "test.npz"]


def write_samples(family: Family, folder: Path) -> None:
    """Write calibration.npz and test.npz for a network of one input."""
    for name, count, seed in (("calibration", CALIBRATION, 1), ("test", TEST, 2)):
        (x,), y = family.samples(1.0, count, seed)
        np.savez(folder / f"{name}.npz", x=x, y=y)


NETWORKS = {"ResNet-8, a task file": task_file, "MLP, an ONNX file": onnx_file}


def seconds_to_answer(folder: Path, arguments: list[str]) -> float:
    """Start a run in `folder`, wait for its first answer, and stop it.

    Raises QuantbenchError where it ends without one.
    """
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "quantbench", "run", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if line.startswith(ANSWER):
                answered = time.perf_counter()
                process.send_signal(signal.SIGINT)
                process.communicate()
                return answered - began
    raise QuantbenchError(f"the run of {arguments[0]} ended without a first answer")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_answer")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each network")
    asked = parser.parse_args()
    for title, write in NETWORKS.items():
        times = []
        for _ in range(asked.repeat):
            with tempfile.TemporaryDirectory() as name:
                times.append(seconds_to_answer(Path(name), write(Path(name))))
        each = ", ".join(f"{seconds:.1f}" for seconds in sorted(times))
        sys.stdout.write(f"{title}: {median(times):.1f} s to the first answer ({each})\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
