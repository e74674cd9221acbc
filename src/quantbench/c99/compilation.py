"""From a file to plans and C, of integers or of float32."""

from __future__ import annotations

from pathlib import Path

from quantbench.c99 import emit, importer, plan
from quantbench.c99._reading import Network, read
from quantbench.c99.emit import Emitted
from quantbench.c99.float32 import emit as float_emit
from quantbench.c99.float32 import importer as float_importer
from quantbench.c99.float32 import plan as float_plan
from quantbench.c99.float32.plan import FloatPlan
from quantbench.c99.float32.verify import verify as verify_float
from quantbench.c99.plan import Plan
from quantbench.c99.targets import Dtype, Target
from quantbench.c99.verify import verify


def planned(path: Path) -> Plan | FloatPlan:
    """In the numbers that the file has. Raises CompileError or ArtifactError."""
    network = read(path)
    if own(network) == Dtype.FLOAT32:
        return float_plan.plan(float_importer.import_network(network))
    return plan.plan(importer.import_network(network))


def compiled(path: Path, target: Target, dtype: Dtype | None = None) -> Emitted:
    """In the numbers that are asked for, or else that the file has. Raises CompileError or
    ArtifactError.
    """
    network = read(path)
    if (dtype or own(network)) == Dtype.FLOAT32:
        floats = float_importer.import_network(network)
        verify_float(network, floats)
        return float_emit.emit(floats, target)
    graph = importer.import_network(network)
    verify(network, graph)
    return emit.emit(graph, target)


def own(network: Network) -> Dtype:
    return Dtype.INT8 if network.quantized else Dtype.FLOAT32
