"""The compiled network alone, by each set of kernels that this CPU has: integers in, integers out.

    python benchmarks/c99_sets.py MODEL.onnx [MODEL.onnx ...]

Each file, quantized or float32, is built with each set; what is timed is model_run on one image
after the other, called from C. Rounds in turn; the ratio to the first row is paired by round, with
its 95 % interval by order statistics.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from paired import line, timed

from quantbench.c99.build import toolchain
from quantbench.c99.build.library import FAST
from quantbench.c99.compile import compiled
from quantbench.c99.emit.library import Emitted
from quantbench.c99.target.isa import FLOAT_ISAS, ISAS
from quantbench.c99.target.target import Target
from quantbench.system.machine import environment

IMAGES, ROUNDS, WARM = 200, 31, 3
LOOP = """
#include "model.h"
void all_images(const {given} *images, {taken} *answers, {given} *scratch);
void all_images(const {given} *images, {taken} *answers, {given} *scratch)
{{
    for (size_t i = 0; i < {images}; i++) {{
        model_run(images + i * MODEL_INPUT_SIZE, answers, scratch);
    }}
}}
"""


def main(*models: str) -> None:
    sys.stdout.write(f"{environment(libraries=()).cpu}; us an image\n")
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for model in models for row in built(Path(model), Path(folder))]
        times: dict[str, list[float]] = {name: [] for name, _ in rows}
        for number in range(WARM + ROUNDS):
            for place in range(len(rows)):
                name, call = rows[(place + number) % len(rows)]
                its = timed(call) / IMAGES
                times[name] += [its] if number >= WARM else []
    first = next(iter(times.values()))
    for name, its in times.items():
        sys.stdout.write(f"  {name:58} {line(its, first)}\n")


def built(model: Path, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    emitted, found = compiled(model, Target.NATIVE), toolchain.find()
    for macro in (
        *(one.macro for one in (*ISAS, *FLOAT_ISAS) if toolchain.meets(found, one.condition)),
        "MODEL_PORTABLE",
    ):
        if f"#define {macro} " not in emitted.files["model.c"]:
            continue
        name = f"{model.parent.name} {macro}"
        path = folder / name.replace(" ", "_")
        path.mkdir()
        call = loaded(emitted, path, (*found.command, *FAST, *found.native), macro)
        yield name, call


def loaded(
    emitted: Emitted, folder: Path, command: tuple[str, ...], macro: str
) -> Callable[[], object]:
    place = emitted.plan.input
    given, taken = "float" if place.type == "float32" else "uint8_t", "model_output"
    taken = given if given == "float" else taken
    loop = LOOP.format(given=given, taken=taken, images=IMAGES)
    for name, content in {**emitted.all_files, "loop.c": loop}.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data)
    flags = (*command, f"-DMODEL_KERNELS={macro}", "-shared", "model.c", "loop.c", "-o", "a.so")
    subprocess.run(flags, cwd=folder, check=True)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (IMAGES, place.size), np.uint8)
    inputs = images.astype(np.float32) / 255 if given == "float" else images
    memories = (inputs, np.zeros(emitted.plan.output.bytes + 64, np.uint8),
                np.zeros(emitted.scratch + 64, np.uint8))  # fmt: skip
    run = ctypes.CDLL(str(folder / "a.so")).all_images
    addresses = tuple(ctypes.c_void_p(memory.ctypes.data) for memory in memories)

    kept = (run, addresses, memories)
    return lambda: kept[0](*kept[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
