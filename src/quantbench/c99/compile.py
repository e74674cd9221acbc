"""Compile a file to plans and C, of integers or of float32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from quantbench.c99 import generate, importer
from quantbench.c99.check.float32 import verify as verify_float
from quantbench.c99.check.integer import verify
from quantbench.c99.emit import float32 as float_emit
from quantbench.c99.emit.library import Emitted, Options
from quantbench.c99.frontend import float32_importer as float_importer
from quantbench.c99.frontend.layer_names import layer_names
from quantbench.c99.frontend.reader import Network, read
from quantbench.c99.passes import float32_layout as float_plan
from quantbench.c99.passes import layout
from quantbench.c99.passes.float32_layout import FloatPlan
from quantbench.c99.passes.layout import Plan
from quantbench.c99.target.target import Dtype, Target
from quantbench.system.files import sha256_of


def planned(path: Path) -> Plan | FloatPlan:
    """The plan of a network, in the file's numbers. Raises CompileError or ArtifactError."""
    network = read(path)
    if _dtype(network, None) == Dtype.FLOAT32:
        return float_plan.plan(float_importer.import_network(network))
    return layout.plan(importer.import_network(network))


def compiled(
    path: Path, target: Target, dtype: Dtype | None = None, options: Options | None = None
) -> Emitted:
    """The C of a network, once it agrees with the file; in `dtype`, or else the file's numbers.

    Raises CompileError, ArtifactError, or UsageError for options that name nothing.
    """
    network = read(path)
    require_agreement(network, dtype)
    options = replace(options or Options(), sha256=sha256_of(path))
    return emitted(network, target, dtype, options)


def require_agreement(network: Network, dtype: Dtype | None = None) -> None:
    """Raises CompileError where the graph that is compiled isn't what the file says."""
    if _dtype(network, dtype) == Dtype.FLOAT32:
        verify_float(network, float_importer.import_network(network))
    else:
        verify(network, importer.import_network(network))


def emitted(
    network: Network,
    target: Target,
    dtype: Dtype | None = None,
    options: Options | None = None,
) -> Emitted:
    """The C of a network, which `require_agreement` has passed. Raises as `compiled`."""
    options = replace(options or Options(), labels=layer_names(network))
    if _dtype(network, dtype) == Dtype.FLOAT32:
        return float_emit.emit(float_importer.import_network(network), target, options)
    return generate.emit(importer.import_network(network), target, options)


def _dtype(network: Network, asked: Dtype | None) -> Dtype:
    return asked or (Dtype.INT8 if network.quantized else Dtype.FLOAT32)
