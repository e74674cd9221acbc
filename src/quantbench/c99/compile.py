"""From a file to plans and C, of integers or of float32."""

from __future__ import annotations

from pathlib import Path

from quantbench.c99 import generate
from quantbench.c99.check.agreement import verify
from quantbench.c99.emit import float32 as float32_emit
from quantbench.c99.frontend.reader import Network, read
from quantbench.c99.generate import Emitted
from quantbench.c99.importer import import_network
from quantbench.c99.ir.graph import Graph
from quantbench.c99.passes import layout
from quantbench.c99.passes.layout import Plan
from quantbench.c99.target.target import Dtype, Target


def planned(path: Path) -> Plan:
    """The plan in the numbers that the file has. Raises CompileError or ArtifactError."""
    return layout.plan(_imported(read(path), None))


def compiled(path: Path, target: Target, dtype: Dtype | None = None) -> Emitted:
    """The C in the numbers that are asked for, or else that the file has, once it agrees with the
    file.

    Raises CompileError or ArtifactError.
    """
    network = read(path)
    require_agreement(network, dtype)
    return emitted(network, target, dtype)


def require_agreement(network: Network, dtype: Dtype | None = None) -> None:
    """Raises CompileError where the graph that is compiled isn't what the file says."""
    verify(network, _imported(network, dtype))


def emitted(network: Network, target: Target, dtype: Dtype | None = None) -> Emitted:
    """The C of a network, which `require_agreement` has passed. Raises CompileError."""
    graph = _imported(network, dtype)
    return (float32_emit if graph.is_float32 else generate).emit(graph, target)


def _imported(network: Network, dtype: Dtype | None) -> Graph:
    own = Dtype.INT8 if network.quantized else Dtype.FLOAT32
    return import_network(network, dtype or own)
