"""Every method on every kind of network: what runs near float32, or one clear reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantbench import plugins
from quantbench.harness.records import Skipped
from quantbench.studies.pipeline import Study
from tests.kinds.register import register
from tests.small_study import run

RUNTIMES = ("executorch", "onnxruntime", "torch")
FAST = [
    ("lstm", ("dynamic", "static")),
    ("residual", ("dynamic", "static")),
]
EVERY_METHOD = ("attention", "unet")
"""A minute each: kinds of which most methods convert something, and one refuses."""
JOINED_AS_ONE = {("unet", "static")}
"""PyTorch's eager quantization joins branches at the first one's scale; it was asked to."""


def studied(
    patch: pytest.MonkeyPatch,
    folder: Path,
    kind: str,
    methods: tuple[str, ...],
    runtimes: tuple[str, ...] = RUNTIMES,
) -> Study:
    register(patch)
    return run(folder, *methods, model=kind, runtimes=runtimes)


def check(done: Study, kind: str, methods: tuple[str, ...]) -> dict[str, list[Skipped]]:
    """Method -> why it has no row where it might; what has one is near float32."""
    names = [row.method for row in done.results.rows]
    skipped: dict[str, list[Skipped]] = {}
    for skip in done.results.skipped:
        assert skip.reason
        assert len(skip.reason.splitlines()) == 1
        assert len(skip.reason) < 400
        skipped.setdefault(skip.method, []).append(skip)
    expected = done.measured.outputs[names.index("float32")][0]
    spread = np.sqrt(((expected - expected.mean(0)) ** 2).mean())
    for row, (logits,) in zip(done.results.rows, done.measured.outputs, strict=True):
        away = np.sqrt(((logits - expected) ** 2).mean()) / spread
        if row.method not in ("qat", "static_uncalibrated") and (
            kind, row.method
        ) not in JOINED_AS_ONE:  # fmt: skip
            assert away < 0.25, row.name
    assert {*names, *skipped} >= {"float32", *methods}
    return skipped


@pytest.mark.parametrize(("kind", "methods"), FAST)
def test_what_eager_quantization_can_and_can_not_do(
    kind: str, methods: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = studied(monkeypatch, tmp_path, kind, methods, runtimes=("torch",))
    skipped = check(done, kind, methods)
    assert "dynamic on torch" in [row.name for row in done.results.rows]
    if kind == "residual":
        assert "static" not in skipped
        (notes,) = (row.notes for row in done.results.rows if row.method == "static")
        assert notes[1].startswith("each layer is quantized by itself")
        assert notes[1].endswith(
            "raises NotImplementedError: Could not run 'aten::add.out' with arguments from the "
            "'QuantizedCPU' backend"
        )


@pytest.mark.slow
@pytest.mark.parametrize("kind", EVERY_METHOD)
def test_every_method(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    methods = tuple(plugins.default_methods())
    check(studied(monkeypatch, tmp_path, kind, methods), kind, methods)
