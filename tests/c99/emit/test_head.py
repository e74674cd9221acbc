"""The head of a generated file says where it comes from and what is in it."""

from __future__ import annotations

from importlib.metadata import version

from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.ir.sizes import multiply_adds
from quantbench.c99.target.target import Target
from tests.c99.builder import Builder, lenet


def head(text: str) -> list[str]:
    return text[: text.index("*/")].splitlines()


def test_provenance_is_in_both_files() -> None:
    files = emit(lenet(), Target.NATIVE, Options("net", ("avx2", "neon"), {}, "ab" * 32)).files
    for name in ("net.h", "net.c"):
        lines = [line.strip() for line in head(files[name])]
        assert lines[0].startswith(f"/* {name}: ")
        assert "model   net" in lines
        assert f"source  ONNX file with SHA-256 {'ab' * 32}" in lines
        assert "target  native, kernels for avx2, neon" in lines
        assert f"format  2, written by quantbench {version('quantbench')}" in lines


def test_the_table_of_layers_adds_up() -> None:
    emitted = emit(lenet())
    lines = head(emitted.files["model.c"])
    total = next(line for line in lines if line.strip().startswith("all"))
    assert total.split() == ["all", "61,470", "B", f"{multiply_adds(emitted.plan.graph):,}"]


def test_buffers_that_share_memory_never_live_at_once() -> None:
    emitted = emit(lenet())
    rows = [
        (int(offset), int(first), int(last), int(size.replace(",", "")))
        for line in head(emitted.files["model.c"])
        if line.strip().startswith("scratch + ") and "workspace" not in line
        for _, _, offset, first, last, size in [line.replace(" l", " ").split()]
    ]
    assert len(rows) == len(emitted.plan.steps) - 1
    for k, (begin, first, last, size) in enumerate(rows):
        assert begin + size <= emitted.scratch
        for other_begin, other_first, other_last, other_size in rows[k + 1 :]:
            apart = last < other_first or other_last < first
            assert apart or begin + size <= other_begin or other_begin + other_size <= begin


def test_a_network_without_layers_has_a_head() -> None:
    files = emit(Builder((1, 1, 1)).graph("input")).files
    assert any("output" in line for line in head(files["model.c"]))
