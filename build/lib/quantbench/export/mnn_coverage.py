"""Coverage of an MNN model: nothing here quantizes one, so all of it is float32."""

from __future__ import annotations

from quantbench.contracts import Files, MethodModule, QuantizeJob
from quantbench.export.all_float import float_layers
from quantbench.numerics.coverage import Reading
from quantbench.system.record import Settings


def read(
    job: QuantizeJob[Settings],
    files: Files,
    method: MethodModule,  # noqa: ARG001 - the contract's
) -> Reading:
    """List the network's layers: MNN's library doesn't list the model's own."""
    layers = float_layers(job, files)
    return Reading(layers, "\n".join(f"{layer.kind} {layer.name}" for layer in layers))
