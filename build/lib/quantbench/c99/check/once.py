"""Agreement of compiled networks with their ONNX files, checked once and kept in the user's cache.

The check runs in a process of its own: otherwise ONNX Runtime's memory and threads would stay in
the process of the runtime that is measured.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pydantic import JsonValue

from quantbench.c99.compile import require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.errors import CompileError, QuantbenchError
from quantbench.system.cache import code_folder, entry
from quantbench.system.files import sha256_of
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import versions
from quantbench.system.record import Record

KIND = "verification"
_SECONDS = 600
_LIBRARIES = ("numpy", "onnx", "onnxruntime")


class Verification(Record):
    """The record of a check that passed; a failed one leaves no entry."""


def require_verified(model: Path) -> None:
    """Raise CompileError where the integers compiled from a file disagree with the file.

    Raises ArtifactError for a file that can't be read, StorageError without a cache.
    """

    def fill(folder: Path) -> Verification:
        _ask(model.absolute(), folder)
        return Verification()

    with entry(code_folder("c99"), "verified", KIND, _inputs(model), Verification, fill):
        pass


def _ask(model: Path, folder: Path) -> None:
    command = [sys.executable, "-m", __name__, str(model)]
    try:
        asked = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise CompileError(
            f"comparing it with the ONNX file had not ended after {_SECONDS} seconds"
        ) from error
    if asked.returncode:
        said = asked.stderr.decode(errors="replace").strip().splitlines()
        why = said[-1] if said else f"ended with code {asked.returncode}, without a reason"
        raise CompileError(why if asked.returncode == 1 else f"comparing it with its file: {why}")


def _inputs(model: Path) -> dict[str, JsonValue]:
    return {
        "model": sha256_of(model),
        "code": {**fingerprint(__name__)},
        "versions": {**versions(_LIBRARIES)},
    }


def main() -> None:
    """Check the file that the command line names.

    Exits with code 1, and the reason on standard error, where graph and file disagree.
    """
    try:
        require_agreement(read(Path(sys.argv[1])))
    except QuantbenchError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
