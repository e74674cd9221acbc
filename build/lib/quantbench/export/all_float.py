"""Coverage of formats that nothing here quantizes: every layer is float32."""

from __future__ import annotations

from quantbench.contracts import Files, QuantizeJob
from quantbench.numerics.coverage import LayerNumerics
from quantbench.system.record import Settings
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.records import Layer


def float_layers(job: QuantizeJob[Settings], files: Files) -> tuple[LayerNumerics, ...]:
    """The network's layers that multiply, each in float32 for the method's reason."""
    return tuple(_in_float32(layer, files) for layer in network_layers(job.network) if layer.macs)


def _in_float32(layer: Layer, files: Files) -> LayerNumerics:
    reason = files.why_float(layer.kind) if files.why_float else "its runtime computes it so"
    return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, reason)
