"""A small quantized network, its float network, its C and samples for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from quantbench.c99.emit.library import Options
from quantbench.c99.package import KIND, Costs, deliver
from quantbench.c99.target.target import Target
from quantbench.system.store import load, save
from tests.c99.models import Model

COUNT = 12
STEP = 12.3
"""The scale of the output; sums are multiples of 0.525, so that none lies halfway between steps."""


@dataclass(frozen=True)
class Small:
    """`model` and `float_model`: ONNX files. `samples`: float32 [COUNT, 2, 4, 4]."""

    model: Path
    float_model: Path
    data: Path
    samples: NDArray[np.float32]


def small(folder: Path) -> Small:
    """Write two convolutions, the last of six outputs, and samples whose targets are left out."""
    rng = np.random.default_rng(5)
    weights = [rng.integers(-9, 10, shape) for shape in ((3, 2, 2, 2), (6, 3, 3, 3))]
    quantized = Model()
    quantized.pair()
    for number, values in enumerate(weights):
        quantized.conv(values)
        quantized.pair(scale=(2.1, STEP)[number], zero=120)
    quantized.add("Flatten")
    real = Model()
    for values in weights:
        real.add("Conv", None, real.constant(values * 0.25))
    real.add("Flatten")
    samples = rng.normal(30, 25, (COUNT, 2, 4, 4)).astype(np.float32)
    files = {name: folder / f"{name}.onnx" for name in ("quantized", "real")}
    onnx.save(quantized.built(), files["quantized"])
    onnx.save(real.built(), files["real"])
    np.savez(folder / "x.npz", x=samples, y=np.arange(COUNT))
    return Small(files["quantized"], files["real"], folder / "x.npz", samples)


def delivered(model: Path, folder: Path, target: Target, name: str = "model", *isas: str) -> Path:
    return deliver(model, folder, target, options=Options(name, isas)).folder


def with_fault(folder: Path, constant: str) -> Path:
    """The folder with one number of a constant changed, sealed as if compile had written it."""
    stored = load(folder, KIND, Costs)
    texts = {name: (folder / name).read_text("utf-8") for name in stored.files}
    (source,) = (name for name in texts if name.endswith(".c") and name != "main.c")
    changed = re.sub(
        rf"({constant}\[[^=]*= {{\s*)(-?\d+)",
        lambda match: f"{match[1]}{int(match[2]) + 40}",
        texts[source],
        count=1,
    )
    assert changed != texts[source]

    def fill(inside: Path) -> Any:
        for name, text in {**texts, source: changed}.items():
            (inside / name).write_text(text, encoding="utf-8")
        return stored.body

    return save(folder, KIND, stored.inputs, fill).folder
