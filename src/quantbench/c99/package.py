"""A folder with the C of a network: written whole, and only where nothing else is lost."""

from __future__ import annotations

from pathlib import Path

from quantbench.c99.build.cortex_m import BOARDS, Counts, counted
from quantbench.c99.build.library import checked_size
from quantbench.c99.compile import compiled
from quantbench.c99.generate import Emitted
from quantbench.c99.target.target import Dtype, Target
from quantbench.errors import ArtifactError, StorageError, UnavailableError
from quantbench.system.files import sha256_of
from quantbench.system.record import Record
from quantbench.system.store import (
    MANIFEST,
    Stored,
    load,
    save,
)

KIND = "c99"


class LayerCost(Record):
    """Bytes are of constants."""

    layer: str
    name: str
    kind: str
    output: tuple[int, ...]
    macs: int
    weights: int
    tables: int


class Costs(Record):
    target: str
    dtype: str = "int8"
    layers: tuple[LayerCost, ...]
    input: int
    output: int
    scratch: int
    flash: int | None
    """Code and constants, as the compiler of this machine makes them with -Os."""
    unbuilt: str | None
    """Why there is none."""
    counts: Counts | None = None
    """Of a target that is a processor: what the network takes there."""


def deliver(model: Path, folder: Path, target: Target, dtype: Dtype = Dtype.INT8) -> Stored[Costs]:
    """Raises CompileError for a network that can't be compiled, ArtifactError for a file that
    isn't ONNX, StorageError for a folder that holds something else.
    """
    _refuse_foreign(folder)
    emitted = compiled(model, target, dtype)
    flash, unbuilt = None, None
    try:
        flash = checked_size(emitted.files)
    except UnavailableError as error:
        unbuilt = str(error)
    costs = _costs(emitted, target, dtype, flash, unbuilt)
    if target in BOARDS:
        costs = costs.model_copy(update={"counts": counted(emitted.files, target)})

    def fill(inside: Path) -> Costs:
        for name, text in emitted.files.items():
            (inside / name).write_text(text, encoding="utf-8")
        return costs

    inputs = {"model": sha256_of(model), "target": str(target), "dtype": str(dtype)}
    return save(folder.absolute(), KIND, {**inputs}, fill)


def _refuse_foreign(folder: Path) -> None:
    """A folder of our own may be replaced, if nothing was added to it or changed."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise StorageError(f"{folder} is no folder; name another with --out")
    there = {path.name for path in folder.iterdir()}
    if not there:
        return
    other = f"{folder} holds other files; name an empty folder with --out"
    if MANIFEST not in there:
        raise StorageError(other)
    try:
        ours = load(folder, KIND, Costs)
    except ArtifactError as error:
        raise StorageError(f"{folder} holds changed files; name another with --out") from error
    if there - ours.files.keys() - {MANIFEST}:
        raise StorageError(other)


def _costs(
    emitted: Emitted, target: Target, dtype: Dtype, flash: int | None, unbuilt: str | None
) -> Costs:
    made = emitted.plan
    return Costs(
        target=target,
        dtype=dtype,
        layers=tuple(
            LayerCost(
                layer=step.identifier,
                name=step.work.name,
                kind=type(step.work).__name__,
                output=step.output.shape,
                macs=step.work.macs(made.graph.tensors[step.work.output]),
                weights=code.weights,
                tables=code.tables,
            )
            for step, code in zip(made.steps, emitted.codes, strict=True)
        ),
        input=made.input.bytes,
        output=made.output.bytes,
        scratch=emitted.scratch,
        flash=flash,
        unbuilt=unbuilt,
    )
