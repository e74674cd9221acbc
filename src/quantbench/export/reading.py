"""Readers of coverage: `export/FORMAT_coverage.py` reads each layer's formats from a file.

Only the reader that is needed is imported, as each needs libraries of its own.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from quantbench.contracts import CoverageReader, Files, MethodModule, QuantizeJob
from quantbench.errors import UnknownNameError
from quantbench.export.leave_float import ASKED, LeaveFloatSettings, left_by
from quantbench.numerics.coverage import Quantized
from quantbench.system.record import Settings
from quantbench.tasks.network_layers import network_layers

_HERE = Path(__file__).parent
_SUFFIX = "_coverage"


def formats() -> list[str]:
    """The formats that can be read, sorted."""
    return sorted(path.stem.removesuffix(_SUFFIX) for path in _HERE.glob(f"*{_SUFFIX}.py"))


def source(format: str) -> Path:
    """The file of a format's reader, on which artifacts depend. Raises UnknownNameError."""
    if format not in formats():
        raise UnknownNameError("format", format, formats())
    return _HERE / f"{format}{_SUFFIX}.py"


def describe(job: QuantizeJob[Settings], files: Files, method: MethodModule) -> Quantized:
    """The description of the files in `job.folder`, from their method's notes and their contents.

    Layers in `files.left_float` are float, whatever the file holds. A layer that the file holds as
    float because `leave_float` says so has that as its reason. Raises ArtifactError if a file can't
    be read back.
    """
    module = import_module(f"{__package__}.{source(job.format).stem}")
    reading = cast(CoverageReader, module).read(job, files, method)
    asked = _asked(job)
    return Quantized(
        kind=files.kind,
        notes=files.notes,
        structure=reading.structure,
        layers=tuple(
            layer.left_float(ASKED)
            if layer.name in asked and not layer.integer
            else layer.left_float(reason)
            if (reason := files.left_float.get(layer.name))
            else layer
            for layer in reading.layers
        ),
    )


def _asked(job: QuantizeJob[Settings]) -> tuple[str, ...]:
    """The layers that the job's settings leave float."""
    if not isinstance(job.settings, LeaveFloatSettings) or not job.settings.leave_float:
        return ()
    return left_by(job.settings.leave_float, network_layers(job.network))
