"""A quantized form that the user has of the network, measured beside what methods make of it.

Its job is of that form's file, not of the float network: `--quantized FILE` names it.
"""

from __future__ import annotations

from quantbench.contracts import Files, QuantizeJob
from quantbench.export import given
from quantbench.system.record import Settings

FORMATS = given.FORMATS
LIBRARIES = given.LIBRARIES
SETTINGS = Settings
DEFAULT = False


def quantize(job: QuantizeJob[Settings]) -> Files:
    """Copy the quantized form. Raises UnavailableError for the format that it didn't come in."""
    return given.copy_given(job)
