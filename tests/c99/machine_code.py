"""Two source trees compile the same ONNX files: is the machine code of their C the same?

    python -m tests.c99.machine_code write FOLDER          # the networks, as ONNX files
    python -m tests.c99.machine_code digest SRC FOLDER     # digests by SRC, as JSON, on stdout
    python -m tests.c99.machine_code compare ONE TWO       # exits with 1 where digests differ

A rearrangement of the compiler must leave the code of integers as it is, to the byte, whatever
the C's names and comments are. Compared are the sections of an object file: `.text` of both
targets, and what the golden vectors hold.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NUMBERED = 50
"""Random networks, in turn over the forms that quantizers write."""
_FLOAT32 = 12
_NUMBER = re.compile(r"-?\b(?:0x[0-9a-f.]+p[-+]?\d+F|\d+)\b")
_MODULES = (
    ("quantbench.c99.compile", "quantbench.c99.frontend.reader", "quantbench.c99.target.target"),
    ("quantbench.c99.compilation", "quantbench.c99._reading", "quantbench.c99.targets"),
)
"""Where a tree has `emitted`, `read` and `Target`: today, and before rooms had folders."""


def write(folder: Path, *more: Path) -> None:
    """Writes the networks of this file, and copies `more`."""
    import numpy as np
    import torch

    from benchmarks.c99_networks import resnet8, settled, wide_lenet
    from tests.c99.float32_networks import FloatMaker
    from tests.c99.networks import numbered
    from tests.c99.spelling import FORMS

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(NUMBERED):
        form = [*FORMS][number % len(FORMS)]
        model, _ = numbered(number, FORMS[form])
        (folder / f"{form}-{number}.onnx").write_bytes(model.SerializeToString())
    for number in range(_FLOAT32):
        rng = np.random.default_rng(number)

        def choose(values, rng=rng):  # type: ignore[no-untyped-def]
            return values[int(rng.integers(len(values)))]

        model, _ = FloatMaker(choose).model(1)
        (folder / f"float32-{number}.onnx").write_bytes(model.SerializeToString())
    for name, build, shape in (
        ("wide_lenet", wide_lenet, (1, 32, 32)),
        ("resnet8", resnet8, (3, 32, 32)),
        ("depthwise", depthwise, (3, 32, 32)),
    ):
        images = np.random.default_rng(1).normal(0, 1, (16, *shape)).astype(np.float32)
        torch.manual_seed(1)
        _quantized(settled(build(), images), images, folder / name)
    for path in more:
        shutil.copy(path, folder / f"{path.parent.name}.onnx")


def depthwise():  # type: ignore[no-untyped-def]
    """Depthwise and pointwise layers, one of stride 2, as MobileNets have them."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU6(),
        nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.ReLU6(), nn.Conv2d(8, 24, 1), nn.ReLU6(),
        nn.Conv2d(24, 24, 3, 2, 1, groups=24), nn.ReLU6(), nn.Conv2d(24, 32, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def _quantized(model, images, stem: Path) -> None:  # type: ignore[no-untyped-def]
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    from benchmarks.c99_networks import OneBatch
    from quantbench.export.ort_quantizer import float_onnx
    from tests.networks import network_of

    real = stem.with_name(f"{stem.name}-float32.onnx")
    float_onnx(network_of(model, images.shape[1:]), real)
    quantize_static(
        real, stem.with_suffix(".onnx"), OneBatch(images), quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=True,
    )  # fmt: skip


def digests(folder: Path) -> dict[str, dict[str, str]]:
    """By file and target: of `.text` and of golden.h's numbers; of the modules on the path."""
    import importlib
    from importlib.util import find_spec

    known = next(names for names in _MODULES if find_spec(names[0]))
    compile_, reader, targets = map(importlib.import_module, known)
    found = {}
    for path in sorted(folder.glob("*.onnx")):
        for target, flags in (("portable", ()), ("native", ("-march=native",))):
            files = compile_.emitted(reader.read(path), targets.Target(target)).files
            numbers = _NUMBER.findall(files["golden.h"].partition("{")[2])
            found[f"{path.stem} {target}"] = {
                "text": _section(files, flags),
                "golden": hashlib.sha256(" ".join(numbers).encode()).hexdigest(),
            }
    return found


def _section(files: dict[str, str], flags: tuple[str, ...]) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        for command in (
            ["gcc", "-std=c99", "-Os", *flags, "-c", "model.c", "-o", "model.o"],
            ["objcopy", "-O", "binary", "-j", ".text", "model.o", "text"],
        ):
            subprocess.run(command, cwd=folder, check=True)
        return hashlib.sha256((folder / "text").read_bytes()).hexdigest()


def compare(one: Path, two: Path) -> int:
    """Prints each difference; the exit code."""
    before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (one, two))
    different = [
        f"{name}: {part}"
        for name in sorted(before.keys() | after.keys())
        for part in ("text", "golden")
        if before.get(name, {}).get(part) != after.get(name, {}).get(part)
    ]
    sys.stdout.write("".join(f"{line}\n" for line in different))
    sys.stdout.write(f"{len(before)} compiled, {len(different)} differences\n")
    return int(bool(different))


def main(action: str, *arguments: str) -> int:
    if action == "write":
        write(*map(Path, arguments))
    elif action == "digest":
        source, folder = arguments
        command = [sys.executable, __file__, "here", folder]
        path = {**os.environ, "PYTHONPATH": source}
        return subprocess.run(command, env=path, check=False).returncode
    elif action == "here":
        sys.stdout.write(json.dumps(digests(Path(arguments[0])), indent=1) + "\n")
    else:
        return compare(*map(Path, arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
