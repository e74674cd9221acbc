"""The C99 of a network, from a file or from what a method wrote."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.emit.library import Options
from quantbench.c99.package import Costs, deliver
from quantbench.c99.target.target import Dtype, Optimize, Target
from quantbench.errors import UnknownNameError, UsageError
from quantbench.system.store import Stored

_MODEL = "model.onnx"
Choice = TypeVar("Choice", bound=StrEnum)


def compile(
    network: Artifact | Path | str,
    folder: Path | str,
    *,
    name: str = "model",
    isa: Sequence[str] = (),
    integer_only: bool = False,
    target: Target | str = Target.PORTABLE,
    dtype: Dtype | str = Dtype.INT8,
    optimize: Optimize | str = Optimize.SIZE,
    build: Path | None = None,
) -> Stored[Costs]:
    """Write a network as C99, with golden vectors and a test of its own, into `folder`.

    `network` is an ONNX file, or an artifact in the format "onnx" as `quantbench.quantize` gives
    it. `folder` is new, empty, or one that was written by this function before. `name` is the
    prefix of its files, functions and macros, so that several networks link into one program.
    `target` is "portable", "native", "cortex-m4" or "cortex-m7"; `isa` are the instruction sets
    that "native" has kernels for, all of them by default; `integer_only` keeps its kernels from
    rounding in float32 where that is proved to give the same integers. `dtype` is "int8" for a
    quantized network and "float32" for one that isn't. `optimize` is "size" or "speed": portable
    code of int8 in few bytes, or in few instructions. `build` is where a compiler works; by
    default a temporary folder beside `folder`.

    Returns the written folder: `.folder`, `.files`, and in `.body` the bytes and multiply-adds of
    each layer. Raises UsageError, CompileError for a network that can't be compiled, ArtifactError
    for a file that isn't ONNX, and StorageError for a folder that holds something else.
    """
    return deliver(
        _file_of(network),
        Path(folder),
        _chosen(Target, "target", target),
        _chosen(Dtype, "dtype", dtype),
        Options(
            name,
            tuple(isa),
            integer_only=integer_only,
            optimize=_chosen(Optimize, "optimize", optimize),
        ),
        build,
    )


def _file_of(network: Artifact | Path | str) -> Path:
    if isinstance(network, Path | str):
        return Path(network)
    if _MODEL not in network.files:
        raise UsageError(
            f"{network.folder} is of format '{network.body.format}'; "
            f"quantize in the format 'onnx' to compile it"
        )
    return network.folder / _MODEL


def _chosen(kind: type[Choice], what: str, value: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise UnknownNameError(what, value, kind) from None
