"""How far predictions of explain/other_cpu.py miss, on kernel sets that this CPU can run.

    python -m benchmarks.predicted_kernels [NETWORK ...]

LeNet, DS-CNN and ResNet-8 of tests/families, with random weights, are quantized and built with each
set of kernels alone. From the times of the layers with the best set, and from the peaks, the times
with the others are predicted; beside them stands what the counters in the generated C then measure.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from quantbench import plugins
from quantbench.c99.build.loader import counted
from quantbench.c99.compile import emitted
from quantbench.c99.emit.library import Emitted, Options
from quantbench.c99.frontend.reader import read
from quantbench.c99.target.isa import ISAS
from quantbench.c99.target.target import Target
from quantbench.explain.other_cpu import kernels_here, known, scaled_time, slowdown
from quantbench.explain.peaks import measured_peaks
from quantbench.explain.profiling.undisturbed import undisturbed
from quantbench.explain.records import LayerTime, TimeSplit
from quantbench.studies.quantize import quantize
from quantbench.system.machine import environment
from quantbench.tasks.network import TensorSpec
from quantbench.tasks.task import Task
from tests.families import ds_cnn, resnet8
from tests.networks import calibration, network_of

CALLS, WARM = 400, 20
Input = tuple[int, ...] | TensorSpec
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[Input, ...]]] = {
    "lenet": (lambda: plugins.model("lenet").build(), ((1, 32, 32),)),
    "ds_cnn": (lambda: ds_cnn.FAMILY.build(1.0), ds_cnn.FAMILY.inputs(1.0)),
    "resnet8": (lambda: resnet8.FAMILY.build(1.0), resnet8.FAMILY.inputs(1.0)),
}


def main(*names: str) -> None:
    peaks, here = measured_peaks(), kernels_here()
    sys.stdout.write(f"{environment(libraries=()).cpu}, predicted from {here.name}; us a call\n")
    for name in names or NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            model = quantized(name, Path(folder))
            code, base = measured(model, here.name)
            for isa in ISAS:
                if isa is here or isa.name not in known(peaks):
                    continue
                predicted = scaled_time(base, code.plan, here, isa, slowdown(here, isa, peaks))
                actual = measured(model, isa.name)[1].total_us
                sys.stdout.write(
                    f"  {name:8} {isa.name:11} predicted {predicted:7.2f}, measured {actual:7.2f}: "
                    f"{predicted / actual - 1:+.1%}\n"
                )


def quantized(name: str, folder: Path) -> Path:
    """The ONNX file that ONNX Runtime's static quantizer writes."""
    build, inputs = NETWORKS[name]

    def make() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return build().eval()

    network = network_of(make, *inputs)
    task = Task(network, "random", calibration(network, 32), calibration(network, 8, seed=1))
    settings = plugins.method("ort_static").SETTINGS()
    return quantize(task, "ort_static", settings, "onnx", folder).folder / "model.onnx"


def measured(model: Path, isa: str) -> tuple[Emitted, TimeSplit]:
    """The time of each layer of one sample, with the kernels of one set."""
    options = Options(counters=True, isas=(isa,))
    code = emitted(read(model), Target.NATIVE, options=options)
    network = counted(code)
    sample = np.random.default_rng(0).random((1, *code.plan.input.shape), np.float32)
    snapshots, began = [network.ticks()], (network.now(), time.perf_counter_ns())
    for _ in range(CALLS):
        network.predict(sample)
        snapshots.append(network.ticks())
    rate = (network.now() - began[0]) / (time.perf_counter_ns() - began[1]) * 1e3
    us = undisturbed(np.diff(np.array(snapshots[WARM:], np.float64), axis=0) / rate)
    layers = tuple(LayerTime(name="", kind="", part="other", us=float(each)) for each in us)
    total = float(us.sum())
    return code, TimeSplit(
        row=isa, batch=1, threads=1, total_us=total, profiled_us=total, profiler="counters",
        parts={}, layers=layers,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
