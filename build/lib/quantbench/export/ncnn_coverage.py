"""Coverage of an ncnn model: nothing here quantizes one, so all of it is float32."""

from __future__ import annotations

from quantbench.contracts import Files, MethodModule, QuantizeJob
from quantbench.export.all_float import float_layers
from quantbench.export.to_ncnn import PARAM
from quantbench.numerics.coverage import Reading
from quantbench.system.record import Settings


def read(
    job: QuantizeJob[Settings],
    files: Files,
    method: MethodModule,  # noqa: ARG001 - the contract's
) -> Reading:
    """List the network's layers, and the text of the model's."""
    return Reading(float_layers(job, files), (job.folder / PARAM).read_text(encoding="utf-8"))
