"""The delivered folder: the C of a network, written whole, and never over files of others."""

from __future__ import annotations

from pathlib import Path

from quantbench.c99.build.cortex_m import BOARDS, Counts, counted
from quantbench.c99.build.folder import build_folder
from quantbench.c99.build.library import checked_size, write_files
from quantbench.c99.compile import compiled
from quantbench.c99.emit.describe import describe
from quantbench.c99.emit.library import Emitted, Options, require_options
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
    """One layer's multiply-adds, and the bytes of its constants."""

    layer: str
    name: str
    kind: str
    output: tuple[int, ...]
    macs: int
    weights: int
    tables: int


class Costs(Record):
    """The costs of the compiled network: bytes of memory and flash, multiply-adds of each layer.

    `input`, `output` and `scratch` are bytes that the caller provides.
    """

    target: str
    dtype: str = "int8"
    layers: tuple[LayerCost, ...]
    input: int
    output: int
    scratch: int
    flash: int | None
    """Code and constants, as the compiler of this machine makes them with -Os."""
    unbuilt: str | None
    """The reason why there is no `flash`."""
    counts: Counts | None = None
    """The costs on the target, where that is a processor with a simulator."""


def deliver(
    model: Path,
    folder: Path,
    target: Target,
    dtype: Dtype = Dtype.INT8,
    options: Options | None = None,
    build: Path | None = None,
) -> Stored[Costs]:
    """Write the C of `model` into `folder`, built and checked where there is a compiler.

    `build`: the folder in which that happens; None: the one that `folder` will stand in.

    Raises CompileError for a network that can't be compiled, ArtifactError for a file that
    isn't ONNX, StorageError for a folder that holds something else, UsageError for options that
    name nothing.
    """
    options = options or Options()
    require_options(options, target, dtype)
    _refuse_foreign(folder)
    emitted = compiled(model, target, dtype, options)
    flash, unbuilt = None, None
    with build_folder(build, folder) as scratch:
        try:
            flash = checked_size(emitted.all_files, emitted.name, scratch)
        except UnavailableError as error:
            unbuilt = str(error)
        costs = _costs(emitted, target, dtype, flash, unbuilt)
        if target in BOARDS:
            counts = counted(emitted.all_files, target, emitted.name, scratch)
            costs = costs.model_copy(update={"counts": counts})

    def fill(inside: Path) -> Costs:
        write_files(emitted.all_files, inside)
        return costs

    inputs = {
        "model": sha256_of(model),
        "target": str(target),
        "dtype": str(dtype),
        "name": options.name,
        "isas": ",".join(options.isas),
        "integer_only": str(options.integer_only).lower(),
        "optimize": str(options.optimize),
    }
    return save(folder.absolute(), KIND, {**inputs}, fill)


def _refuse_foreign(folder: Path) -> None:
    """Raise StorageError unless `folder` is new, empty, or was written here and not changed."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise StorageError(f"{folder} is no folder; name another with --out")
    there = {path.name for path in folder.iterdir()}
    if not there:
        return
    refusal = f"{folder} holds other files; name an empty folder with --out"
    if MANIFEST not in there:
        raise StorageError(refusal)
    try:
        ours = load(folder, KIND, Costs)
    except ArtifactError as error:
        raise StorageError(f"{folder} holds changed files; name another with --out") from error
    if there - ours.files.keys() - {MANIFEST}:
        raise StorageError(refusal)


def _costs(
    emitted: Emitted, target: Target, dtype: Dtype, flash: int | None, unbuilt: str | None
) -> Costs:
    plan = emitted.plan
    return Costs(
        target=target,
        dtype=dtype,
        layers=tuple(
            LayerCost(
                layer=f"l{number}",
                name=describe(step, emitted.labels).label,
                kind=type(step.work).__name__,
                output=step.output.shape,
                macs=plan.macs(step),
                weights=code.weights,
                tables=code.tables,
            )
            for number, (step, code) in enumerate(zip(plan.steps, emitted.codes, strict=True))
        ),
        input=sum(place.bytes for place in plan.inputs),
        output=sum(place.bytes for place in plan.outputs),
        scratch=emitted.scratch,
        flash=flash,
        unbuilt=unbuilt,
    )
