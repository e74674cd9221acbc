"""Compile a file to plans and C, of integers or of float32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from quantbench.c99 import generate
from quantbench.c99.check.agreement import verify
from quantbench.c99.emit.library import Emitted, Options
from quantbench.c99.frontend.layer_names import layer_names
from quantbench.c99.frontend.reader import Network, read
from quantbench.c99.importer import import_network
from quantbench.c99.ir.graph import Graph, Plan
from quantbench.c99.passes import layout
from quantbench.c99.target.target import Dtype, Target
from quantbench.system.files import sha256_of


def planned(path: Path) -> Plan:
    """The plan of the network in `path`, in the number types that the file has.

    Raises CompileError or ArtifactError.
    """
    return layout.plan(_imported(read(path), None))


def compiled(
    path: Path, target: Target, dtype: Dtype | None = None, options: Options | None = None
) -> Emitted:
    """The C of the network in `path`, once the compiled graph agrees with the file.

    `dtype`: None takes the file's own number types. Raises CompileError, ArtifactError, or
    UsageError for options that name nothing.
    """
    network = read(path)
    graph = _imported(network, dtype)
    verify(network, graph)
    options = replace(options or Options(), sha256=sha256_of(path))
    return _emitted(network, graph, target, options)


def require_agreement(network: Network, dtype: Dtype | None = None) -> None:
    """Raise CompileError where the graph that is compiled differs from the network in the file."""
    verify(network, _imported(network, dtype))


def emitted(
    network: Network,
    target: Target,
    dtype: Dtype | None = None,
    options: Options | None = None,
) -> Emitted:
    """The C of a network that `require_agreement` has passed. Raises like `compiled`."""
    return _emitted(network, _imported(network, dtype), target, options or Options())


def _emitted(network: Network, graph: Graph, target: Target, options: Options) -> Emitted:
    return generate.emit(graph, target, replace(options, labels=layer_names(network)))


def _imported(network: Network, dtype: Dtype | None) -> Graph:
    own = Dtype.INT8 if network.quantized else Dtype.FLOAT32
    return import_network(network, dtype or own)
