"""Agreement of compiled networks with their files, checked once and kept in the cache."""

from __future__ import annotations

from pathlib import Path

from pydantic import JsonValue

from quantbench.c99.compile import require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.system.cache import code_folder, entry
from quantbench.system.files import sha256_of
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import versions
from quantbench.system.record import Record

KIND = "verification"
_LIBRARIES = ("numpy", "onnx", "onnxruntime")


class Verification(Record):
    """The record of a check that passed; a failed one leaves no entry."""


def require_verified(model: Path) -> None:
    """Raise CompileError where the integers compiled from a file disagree with the file.

    ONNX Runtime's memory and threads stay in this process. Raises ArtifactError for a file that
    can't be read, StorageError without a cache.
    """

    def fill(_: Path) -> Verification:
        require_agreement(read(model))
        return Verification()

    with entry(code_folder("c99"), "verified", KIND, _inputs(model), Verification, fill):
        pass


def _inputs(model: Path) -> dict[str, JsonValue]:
    return {
        "model": sha256_of(model),
        "code": {**fingerprint(__name__)},
        "versions": {**versions(_LIBRARIES)},
    }
