"""Inductor's compiled libraries: built once, in a process of their own, and kept in a cache."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from pydantic import JsonValue
from torch import Tensor
from torch.export import ExportedProgram

from quantbench.artifacts.pt2_file import read_program
from quantbench.errors import UnavailableError
from quantbench.export.cxx import compiler
from quantbench.system.cache import code_folder, filling, held_alone, sound, workshop
from quantbench.system.files import sweep
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import environment
from quantbench.system.record import Record
from quantbench.system.silence import silenced
from quantbench.system.store import (
    Stored,
    key,
    path_for,
    save,
)

KIND = "library"
LIBRARY = "model.so"
_COMPILE_SECONDS = 540


class Library(Record):
    """The record of a stored `model.so`, which is compiled for one batch size."""

    batch: int


@contextlib.contextmanager
def libraries(
    model: Path, model_sha256: str, batches: tuple[int, ...], threads: int
) -> Iterator[dict[int, Path]]:
    """Batch size -> the library that Inductor compiled from the program in `model`.

    Load the libraries inside this context: their bytes have just been checked, and nobody replaces
    them. They are for this CPU, PyTorch and compiler only: others may lack the instruction sets.
    Raises UnavailableError or StorageError.
    """
    folder = code_folder("inductor")
    inputs = {batch: recipe(model_sha256, batch, threads) for batch in batches}
    names = {batch: path_for(folder, "model", inputs[batch]).name for batch in batches}
    with contextlib.ExitStack() as stack:
        for name in sorted(names.values()):  # one lock order for all processes: no deadlock
            stack.enter_context(held_alone(folder, name))
        stored = {batch: sound(folder, "model", KIND, inputs[batch], Library) for batch in batches}
        missing = [batch for batch, found in stored.items() if found is None]
        if missing:
            with filling(folder):
                stored |= _compiled(model, {batch: inputs[batch] for batch in missing}, threads)
        yield {batch: found.folder / LIBRARY for batch, found in stored.items() if found}


def recipe(model_sha256: str, batch: int, threads: int) -> dict[str, JsonValue]:
    """Everything that a compiled library depends on."""
    return {
        "model": model_sha256,
        "batch": batch,
        "threads": threads,
        "machine": _machine(),
        "code": {**fingerprint(__name__)},
    }


def _machine() -> dict[str, JsonValue]:
    here = environment(libraries=("torch",))
    return {
        "cpu": here.cpu,
        "instruction_sets": [*here.instruction_sets],
        "versions": {**here.versions},
        "compiler": compiler(),
    }


def _compiled(
    model: Path, inputs: dict[int, dict[str, JsonValue]], threads: int
) -> dict[int, Stored[Library] | None]:
    """Compile for every batch size in one process: findings and precompiled headers are shared."""
    folder = code_folder("inductor")
    work = folder / f"work-{key(_machine())[:12]}"
    sweep(folder, "part-*")
    with tempfile.TemporaryDirectory(dir=folder, prefix="part-") as part:
        with workshop(work):
            _compile_in_child(model, [*inputs], threads, Path(part), work)

        def fill(batch: int, place: Path) -> Library:
            (Path(part) / f"{batch}.so").rename(place / LIBRARY)
            return Library(batch=batch)

        return {
            batch: save(path_for(folder, "model", its), KIND, its, partial(fill, batch))
            for batch, its in inputs.items()
        }


def _compile_in_child(model: Path, batches: list[int], threads: int, out: Path, work: Path) -> None:
    """Compile in a child process, so that what it leaves in memory and settings isn't measured.

    `work` keeps what Inductor found out about this CPU, and its precompiled headers.
    """
    command = [sys.executable, "-m", __name__, str(model), str(threads), str(out)]
    inside = dict(os.environ) | {"TORCHINDUCTOR_CACHE_DIR": str(work), "TMPDIR": str(work)}
    try:
        child = subprocess.run(
            [*command, *map(str, batches)],
            capture_output=True,
            timeout=_COMPILE_SECONDS,
            env=inside,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"Inductor didn't compile in {_COMPILE_SECONDS} s") from error
    if child.returncode:
        lines = child.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise UnavailableError(f"Inductor can't compile {model.parent.name}: {lines[-1]}")


def why_not_compiled(model: Path) -> str | None:
    """The reason why a program can't be compiled for several batch sizes, or None.

    Raises ArtifactError for a program that isn't admitted.
    """
    return _fixed(_inputs(read_program(model)))


def _inputs(program: ExportedProgram) -> list[Tensor]:
    """The inputs of a program, in their order, as tensors without numbers."""
    values = {node.name: node.meta["val"] for node in program.graph.nodes if "val" in node.meta}
    return [values[str(name)] for name in program.graph_signature.user_inputs]


def _fixed(tensors: list[Tensor]) -> str | None:
    batch = tensors[0].shape[0]
    return f"its program takes {batch} samples at a time" if isinstance(batch, int) else None


def _compile(model: Path, threads: int, out: Path, batches: list[int]) -> None:
    """Compile for each batch size in this process.

    Freezing packs weights for oneDNN and finds its int8 kernels. Inductor may start no compiling
    processes, as they would survive if this one is killed.
    """
    torch.set_num_threads(threads)
    program = read_program(model)
    tensors = _inputs(program)
    if reason := _fixed(tensors):
        raise UnavailableError(reason)
    settings = {
        "freezing": True,
        "compile_threads": 1,
        "cpp.threads": threads,
        "cpp.cxx": (compiler(),),  # otherwise Inductor may fetch one with conda
    }
    with silenced(), torch.no_grad(), torch._inductor.config.patch(settings):
        for batch in batches:
            inputs = tuple(
                torch.zeros(batch, *tensor.shape[1:], dtype=tensor.dtype) for tensor in tensors
            )
            fixed = torch.export.export(program.module(check_guards=False), inputs)
            torch._inductor.aot_compile(
                fixed.module(check_guards=False),
                inputs,
                options={"aot_inductor.output_path": str(out / f"{batch}.so")},
            )


def main(model: str, threads: str, out: str, *batches: str) -> None:
    """Compile a program for some batch sizes: the entry point of the child process."""
    _compile(Path(model), int(threads), Path(out), [int(batch) for batch in batches])


if __name__ == "__main__":
    main(*sys.argv[1:])
