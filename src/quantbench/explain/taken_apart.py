"""Choose the method whose layers and calibration are looked into: each takes its time."""

from __future__ import annotations

from collections.abc import Sequence

from quantbench import plugins
from quantbench.errors import UnavailableError
from quantbench.explain.bench import FORMAT
from quantbench.export.calibration import CalibrationSettings
from quantbench.results.records import Results

DEFAULT = "ort_static"
_WHY_NOT = (
    "method '{}' isn't looked into: that takes an ONNX file of a calibrated network, whose layers "
    "can be put into the float one; name a row of {}"
)


def taken_apart(results: Results, rows: Sequence[str], *, named: bool) -> str:
    """The method of the first of these rows that can be taken apart; DEFAULT where none can.

    `named`: the user named the rows. Raises UnavailableError, with the methods that can, where
    none of those can.
    """
    by_name = {row.name: row.method for row in results.rows}
    methods = [by_name[name] for name in rows if name in by_name]
    chosen = next((method for method in methods if can_be(method)), None)
    if chosen is not None:
        return chosen
    quantized = [method for method in methods if method != "float32"]
    if named and quantized:
        known = [name for name in plugins.names("methods") if can_be(name)]
        raise UnavailableError(_WHY_NOT.format(quantized[0], ", ".join(known)))
    return DEFAULT


def can_be(method: str) -> bool:
    """Whether a method calibrates a network and writes it as ONNX."""
    if method not in plugins.names("methods") or plugins.why_unavailable("methods", method):
        return False
    module = plugins.method(method)
    return FORMAT in module.FORMATS and issubclass(module.SETTINGS, CalibrationSettings)
