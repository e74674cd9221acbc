"""The integer and the float32 C of a LeNet on Cortex-M4 and M7, counted by QEMU.

    python benchmarks/cortex_m.py RESULTS

RESULTS is a folder in which `quantbench run` has finished; the newest artifacts of ort_static and
float32 are taken. Instructions are not cycles: see docs/compiling.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

from quantbench.c99.build.cortex_m import BOARDS, counted
from quantbench.c99.compile import compiled
from quantbench.c99.target.target import Dtype
from quantbench.errors import QuantbenchError

METHODS = {Dtype.INT8: "ort_static", Dtype.FLOAT32: "float32"}


def main(results: str) -> None:
    for dtype, method in METHODS.items():
        model = newest(Path(results), method)
        for target in BOARDS:
            emitted = compiled(model, target, dtype)
            counts = counted(emitted.files, target)
            if counts.missing is not None:
                sys.stdout.write(f"skipped: {counts.missing}\n")
                return
            for built in counts.built:
                sys.stdout.write(
                    f"{target} {dtype:7} {built.level}: flash {built.flash:7,}, "
                    f"RAM {emitted.scratch:5,}, stack {built.stack or 0:3}, "
                    f"instructions {built.instructions or 0:9,}\n"
                )


def newest(results: Path, method: str) -> Path:
    found = (results / "artifacts").glob(f"{method}-onnx-*/model.onnx")
    try:
        return max(found, key=lambda path: path.stat().st_mtime)
    except ValueError:
        raise QuantbenchError(f"{results} has no ONNX file of {method}") from None


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except QuantbenchError as error:
        sys.exit(f"error: {error}")
