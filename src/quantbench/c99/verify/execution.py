"""Build a delivered folder for one CPU, run samples through it, and compare every bit."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.build import toolchain
from quantbench.c99.build.machines import PROGRAM
from quantbench.c99.emit.instances import kernel
from quantbench.c99.emit.namespace import renamed
from quantbench.c99.emit.signature import packed_run
from quantbench.c99.ir.graph import Place, Plan
from quantbench.c99.ir.interpreter import run_all
from quantbench.c99.passes.layout import nhwc_order
from quantbench.c99.verify.cpus import Cpu
from quantbench.c99.verify.layers import first_layer, watched
from quantbench.c99.verify.records import Execution, FirstDifference
from quantbench.errors import QuantbenchError
from quantbench.numerics.fixed_point import Integers

_MAIN, _PACKED = "verify-samples.c", "verify-packed.h"  # no network's name has a hyphen
_SECONDS = 600
_TYPES = {"uint8": "u1", "int32": "<i4"}


class _FailedError(QuantbenchError):
    """The C can't be built for a CPU, or its program ends with an error."""


@dataclass(frozen=True)
class Delivered:
    """A delivered folder whose files were checked, and the plan of the network in it.

    `files`: their names. `layers`: each layer as messages name it.
    """

    folder: Path
    files: tuple[str, ...]
    name: str
    plan: Plan
    layers: tuple[str, ...]

    @property
    def source(self) -> str:
        """The text of NAME.c."""
        return (self.folder / f"{self.name}.c").read_text("utf-8")


def stored(values: Sequence[Integers], places: Sequence[Place]) -> NDArray[np.generic]:
    """Integers [N, *shape] as the C holds them: [N, size], in its type and order.

    Those of several inputs, or outputs, lie behind one another.
    """
    flat = [
        each.reshape(len(each), -1)[:, nhwc_order(place.shape)]
        for each, place in zip(values, places, strict=True)
    ]
    return np.concatenate(flat, axis=1).astype(_TYPES[places[0].type])


def execution(
    delivered: Delivered,
    cpu: Cpu,
    inputs: Sequence[Integers],
    outputs: Sequence[Integers],
    parent: Path,
) -> Execution:
    """Run inputs [N, *shape] on one CPU, built inside `parent`, beside the outputs [N, *shape].

    There is an array for each input and output of the network. Integers are the unsigned graph's,
    which computed the outputs.
    """
    if cpu.missing:
        return Execution(cpu=cpu.name, how=cpu.how, missing=cpu.missing)
    plan = delivered.plan
    wanted = stored(outputs, plan.outputs)
    try:
        with TemporaryDirectory(dir=parent) as part:
            folder = _prepared(delivered, cpu, Path(part))
            _run(delivered, cpu, stored(inputs, plan.inputs), folder)
            values = np.fromfile(folder / "outputs.bin", wanted.dtype).reshape(wanted.shape)
    except _FailedError as error:
        return Execution(cpu=cpu.name, how=cpu.how, failed=str(error))
    equal = (values == wanted).all(axis=1)
    first = None
    if not equal.all():
        sample = int(np.argmin(equal))
        at = int(np.argmax(values[sample] != wanted[sample]))
        alone = [each[sample : sample + 1] for each in inputs]
        layer, note = _layer(delivered, cpu, alone, parent)
        output, place = _place(plan.outputs, at)
        first = FirstDifference(
            sample=sample,
            output=output,
            place=place,
            value=int(values[sample, at]),
            expected=int(wanted[sample, at]),
            layer=layer,
            note=note,
        )
    return Execution(
        cpu=cpu.name, how=cpu.how, samples=len(equal), equal=int(equal.sum()), first=first
    )


def _prepared(delivered: Delivered, cpu: Cpu, folder: Path) -> Path:
    for file in delivered.files:
        shutil.copyfile(delivered.folder / file, folder / file)
    texts = {_MAIN: kernel("run_samples"), _PACKED: packed_run(delivered.plan)}
    for file, text in texts.items():
        (folder / file).write_text(renamed(text, delivered.name), encoding="utf-8")
    if cpu.machine:
        cpu.machine.prepare(folder)
    return folder


def _run(
    delivered: Delivered,
    cpu: Cpu,
    inputs: NDArray[np.generic],
    folder: Path,
    macros: Mapping[str, int] | None = None,
) -> None:
    """Build in `folder` and run it there for inputs [N, size]."""
    inputs.tofile(folder / "inputs.bin")
    values = {"MODEL_SAMPLES": len(inputs), **(macros or {})}
    defines = [f"-D{renamed(macro, delivered.name)}={value}" for macro, value in values.items()]
    source = f"{delivered.name}.c"
    build = (*cpu.command, "-std=c99", *defines, source, _MAIN, "-o", PROGRAM)
    if why := toolchain.run(build, folder):
        raise _FailedError(f"it can't be built: {why}")
    if why := toolchain.run(cpu.run, folder, _SECONDS):
        raise _FailedError(f"it can't be run: {why}")


def _layer(
    delivered: Delivered, cpu: Cpu, inputs: Sequence[Integers], parent: Path
) -> tuple[str | None, str | None]:
    """The first layer that differs for one sample [1, *shape]; or None, and why."""
    plan = delivered.plan
    text = watched(delivered.source, plan, delivered.name)
    if text is None:
        return None, "its C doesn't call layers as this version would, so none can be named"
    with TemporaryDirectory(dir=parent) as part:
        folder = _prepared(delivered, cpu, Path(part))
        (folder / f"{delivered.name}.c").write_text(text, encoding="utf-8")
        try:
            _run(delivered, cpu, stored(inputs, plan.inputs), folder, {"MODEL_WATCHED": 1})
            dumped = (folder / "layers.bin").read_bytes()
            number = first_layer(plan, dumped, run_all(plan.graph, *inputs))
        except (_FailedError, ValueError) as error:
            return None, f"its layers can't be watched: {error}"
    if number is None:
        return None, (
            "with each layer's output watched all bits agree: the C compiler changes what it "
            "computes across layers"
        )
    return delivered.layers[number], None


def _place(places: Sequence[Place], position: int) -> tuple[int, tuple[int, ...]]:
    """The output, and the index in ONNX's order, of the value at a position of the C's outputs."""
    number = 0
    while position >= places[number].size:
        position -= places[number].size
        number += 1
    shape = places[number].shape
    at = np.unravel_index(nhwc_order(shape)[position], shape)
    return number, tuple(int(part) for part in at)
