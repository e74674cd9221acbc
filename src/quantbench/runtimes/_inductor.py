"""Inductor's compiled libraries: made once in a process of their own, kept in the user's cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import torch

from quantbench.data._cache import root
from quantbench.environment import environment
from quantbench.errors import StorageError, UnavailableError
from quantbench.exported import read_program
from quantbench.hush import hushed
from quantbench.runtimes._cxx import compiler
from quantbench.storage import sha256_of, sweep

_COMPILE_SECONDS = 540


def libraries(
    model: Path, model_sha256: str, batches: tuple[int, ...], threads: int
) -> dict[int, Path]:
    """The program in `model` compiled for each number of inputs, for `threads` threads.

    They are for this CPU, PyTorch and compiler alone: elsewhere others are made, for these
    would die on a CPU without their instruction sets. Raises UnavailableError or StorageError.
    """
    machine = environment(libraries=("torch",))
    here = (machine.cpu, machine.instruction_sets, machine.versions, compiler())
    recipe = (here, model_sha256, sha256_of(Path(__file__)), threads)
    folder = root() / "inductor"
    made = {batch: folder / f"{_short((recipe, batch))}.so" for batch in batches}
    missing = [batch for batch, path in made.items() if not path.is_file()]
    if not missing:
        return made
    work = folder / f"work-{_short(here)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # code is run from it
        work.mkdir(exist_ok=True)
        sweep(folder, "part-*")
        with tempfile.TemporaryDirectory(dir=folder, prefix="part-") as part:
            _compile_in_child(model, missing, threads, Path(part), work)
            for batch in missing:
                (Path(part) / f"{batch}.so").rename(made[batch])
    except OSError as error:
        raise StorageError(
            f"can't write the cache {folder} ({error.strerror or error}); set QUANTBENCH_CACHE "
            "to a folder that can be written and has room"
        ) from error
    return made


def _short(key: object) -> str:
    return sha256(repr(key).encode()).hexdigest()[:24]


def _compile_in_child(model: Path, batches: list[int], threads: int, out: Path, work: Path) -> None:
    """What compiling leaves behind, in memory and in settings, is no part of a measurement.

    `work` holds what Inductor found out about this CPU, and its precompiled headers.
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


def _compile(model: Path, threads: int, out: Path, batches: list[int]) -> None:
    """Freezing packs weights for oneDNN and finds its int8 kernels. One compiling process,
    this one, so none is left behind when it is killed.
    """
    torch.set_num_threads(threads)
    program = read_program(model)
    (shape,) = (
        node.meta["val"].shape[1:]
        for node in program.graph.nodes
        if node.name in program.graph_signature.user_inputs
    )
    settings = {
        "freezing": True,
        "compile_threads": 1,
        "cpp.threads": threads,
        "cpp.cxx": (compiler(),),  # else it may fetch one with conda
    }
    with hushed(), torch.no_grad(), torch._inductor.config.patch(settings):
        for batch in batches:
            inputs = (torch.zeros(batch, *shape),)
            fixed = torch.export.export(program.module(check_guards=False), inputs)
            torch._inductor.aot_compile(
                fixed.module(check_guards=False),
                inputs,
                options={"aot_inductor.output_path": str(out / f"{batch}.so")},
            )


def main(model: str, threads: str, out: str, *batches: str) -> None:
    _compile(Path(model), int(threads), Path(out), [int(batch) for batch in batches])


if __name__ == "__main__":
    main(*sys.argv[1:])
