"""The process that builds a network's library for kept.py: what it loads ends with it.

    python -m quantbench.c99.build.keep MODEL FOLDER THREADS

It writes the library and sizes.json into FOLDER. Where it can't, it writes the reason to standard
error, and ends with a code that tells the kind of error.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from quantbench.c99.build import direct, toolchain
from quantbench.c99.build.kept import CODES, LIBRARY, SIZES, Kept, emitted_from
from quantbench.c99.build.library import library
from quantbench.c99.build.loader import sizes_of, sources
from quantbench.c99.check.once import require_verified
from quantbench.c99.emit.instances import kernel
from quantbench.errors import QuantbenchError


def main() -> None:
    """Build the network's library in the folder that the command line names."""
    model, folder = map(Path, sys.argv[1:3])
    try:
        kept = keep(model, folder, int(sys.argv[3]))
    except QuantbenchError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(CODES.get(type(error), 1))
    (folder / SIZES).write_text(kept.model_dump_json(), encoding="utf-8")


def keep(model: Path, folder: Path, threads: int) -> Kept:
    """Build the library in `folder`, once the network has been compared with its file.

    `threads`: how many may compute one image together.

    A network whose answers take its graph is compared alone. Raises ArtifactError, CompileError,
    UnavailableError or StorageError.
    """
    require_verified(model)
    emitted = emitted_from(model, threads)
    graph = emitted.plan.graph
    if graph.several or graph.final:
        return Kept(sizes=None)
    with library(sources(emitted)) as path:
        shutil.copyfile(path, folder / LIBRARY)
    direct.build(kernel("python_call"), toolchain.find(), folder)
    return Kept(sizes=sizes_of(emitted))


if __name__ == "__main__":
    main()
