"""Finds the reader of a format: `export/FORMAT_coverage.py` says what a file makes of each layer.

Only the reader that is asked for is imported, as each needs libraries of its own.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from quantbench.contracts import CoverageReader, Files, MethodModule, QuantizeJob
from quantbench.errors import UnknownNameError
from quantbench.numerics.coverage import Quantized
from quantbench.system.record import Settings

_HERE = Path(__file__).parent
_SUFFIX = "_coverage"


def formats() -> list[str]:
    """The formats that can be read, sorted."""
    return sorted(path.stem.removesuffix(_SUFFIX) for path in _HERE.glob(f"*{_SUFFIX}.py"))


def source(format: str) -> Path:
    """The file of a format's reader, which is part of what an artifact depends on.

    Raises UnknownNameError for a format without one.
    """
    if format not in formats():
        raise UnknownNameError("format", format, formats())
    return _HERE / f"{format}{_SUFFIX}.py"


def describe(job: QuantizeJob[Settings], files: Files, method: MethodModule) -> Quantized:
    """All that is known of the files in `job.folder`: what their method says, and what they hold.

    Layers in `files.left_float` are float, whatever the file holds. Raises ArtifactError if a file
    can't be read back.
    """
    module = import_module(f"{__package__}.{source(job.format).stem}")
    reading = cast(CoverageReader, module).read(job, files, method)
    return Quantized(
        kind=files.kind,
        notes=files.notes,
        structure=reading.structure,
        layers=tuple(
            layer.left_float(reason) if (reason := files.left_float.get(layer.name)) else layer
            for layer in reading.layers
        ),
    )
