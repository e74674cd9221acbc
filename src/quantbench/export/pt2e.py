"""torchao's PT2E quantization, shared by the methods that use it.

The network becomes a graph of operators in which each layer's inputs and weights are quantized and
dequantized. torchao is imported where it is used: it takes seconds, and prints while it loads.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import onnx
import torch
from pydantic import Field
from torch import Tensor, fx, nn

from quantbench.artifacts.pt2_file import write_program
from quantbench.contracts import Files, QuantizeJob
from quantbench.errors import CalibrationError, UnavailableError
from quantbench.export import to_onnx, to_program
from quantbench.export.calibration import Batches
from quantbench.export.kept_float import kept_float
from quantbench.export.leave_float import LeaveFloatSettings, modules_left_by
from quantbench.export.onnx_coverage import nodes_by_layer
from quantbench.export.pt2e_graph import MULTIPLYING, layer_of, renamed_weights
from quantbench.export.refusal import refusing
from quantbench.export.to_program import exported
from quantbench.system.machine import environment, has_vnni
from quantbench.system.progress import Progress
from quantbench.system.silence import silenced
from quantbench.tasks.network import Network
from quantbench.tasks.network_layers import network_layers

FORMATS = ("pt2", "onnx")
LIBRARIES = ("torch", "torchao", "onnx", "onnxscript")

_aten = torch.ops.aten
_TRAINED_OTHERWISE = {_aten.dropout.default: 2, _aten.batch_norm.default: 5}
"""Operators that behave differently in training -> the index of the argument that says so."""


def _without_vnni() -> bool:
    return not has_vnni(environment())


class PT2ESettings(LeaveFloatSettings):
    """The settings of a method that targets Inductor's x86 kernels."""

    reduce_range: bool = Field(
        default_factory=_without_vnni,
        description="7-bit activations, for CPUs that add two u8 x s8 products in 16 bits",
    )


P = TypeVar("P", bound=PT2ESettings)


def prepared(
    model: nn.Module, network: Network, settings: PT2ESettings, *, train: bool
) -> fx.GraphModule:
    """The graph of `model` with an observer, or in training a fake quantizer, at each tensor.

    `model` is a module of `network`. Raises UnavailableError where it can't be traced.
    """
    left = left_modules(network, settings)
    with silenced():
        from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import (
            X86InductorQuantizer,
            get_default_x86_inductor_quantization_config,
        )

        quantizer = X86InductorQuantizer()
        quantizer.set_global(
            get_default_x86_inductor_quantization_config(
                is_qat=train, reduce_range=settings.reduce_range
            )
        )
        for name in left:
            quantizer.set_module_name_qconfig(name, None)
    return observed(model, network, quantizer, train=train)


def left_modules(network: Network, settings: LeaveFloatSettings) -> tuple[str, ...]:
    """The modules that the settings leave float. Raises UnknownNameError or UnavailableError."""
    patterns = settings.leave_float
    return modules_left_by(patterns, network_layers(network)) if patterns else ()


def observed(
    model: nn.Module, network: Network, quantizer: object, *, train: bool
) -> fx.GraphModule:
    """The graph of `model`, prepared by a quantizer of torchao's. Raises UnavailableError."""
    with silenced(), refusing("torchao can't prepare the network"):
        from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e, prepare_qat_pt2e

        graph = exported(model, network).module(check_guards=False)
        _keep_batch_norms_of_shared(graph)
        prepare = prepare_qat_pt2e if train else prepare_pt2e
        result = cast(fx.GraphModule, prepare(graph, quantizer))
    _drop_aliases(result)
    return result


def _keep_batch_norms_of_shared(graph: fx.GraphModule) -> None:
    """Put an alias between a batch norm and a convolution that others read, too.

    torchao 0.18 folds every batch norm into the convolution before it, and whatever else reads
    that then reads normed values: in DenseNet, what is joined.
    """
    for node in [*graph.graph.nodes]:
        source = node.args[0] if node.target == _aten.batch_norm.default else None
        if isinstance(source, fx.Node) and source.target in MULTIPLYING and len(source.users) > 1:
            with graph.graph.inserting_before(node):
                alias = graph.graph.call_function(_aten.alias.default, (source,))
            alias.meta = {"val": source.meta["val"]} if "val" in source.meta else {}
            node.replace_input_with(source, alias)
    graph.recompile()


def _drop_aliases(graph: fx.GraphModule) -> None:
    for node in [*graph.graph.nodes]:
        if node.target == _aten.alias.default:
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)
    graph.recompile()


def set_training(module: fx.GraphModule, *, train: bool) -> None:
    """Switch a graph to training or evaluation, for which .train() and .eval() have no effect.

    `require_eval` checks the result.
    """
    with silenced(), torch.random.fork_rng(devices=[]):  # tracing draws random inputs
        from torchao.quantization.pt2e import (
            move_exported_model_to_eval,
            move_exported_model_to_train,
        )

        (move_exported_model_to_train if train else move_exported_model_to_eval)(module)


def converted(module: fx.GraphModule) -> fx.GraphModule:
    """Replace observers by quantize and dequantize operators, with int8 weights, in eval mode.

    Raises UnavailableError for a graph that torchao can't convert.
    """
    with silenced(), refusing("torchao can't convert the network"):
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

        result = cast(fx.GraphModule, convert_pt2e(module))
    set_training(result, train=False)
    require_eval(result, "conversion")
    _drop_unused(result)
    return result


def calibrate(graph: fx.GraphModule, batches: Batches, progress: Progress) -> None:
    """Run the graph on the batches, so that its observers see every range.

    Raises CalibrationError at a value that isn't finite, or an observer that saw none.
    """
    observers = {
        str(node.target): layer_of(node.args[0])
        for node in graph.graph.nodes
        if node.op == "call_module" and isinstance(node.args[0], fx.Node)
    }
    seen: set[str] = set()
    hooks = [
        graph.get_submodule(name).register_forward_pre_hook(partial(_check, layer, seen))
        for name, layer in observers.items()
    ]
    with torch.no_grad():
        for inputs in progress.each(batches.tensors(), "calibrating", len(batches)):
            graph(*inputs)
    for hook in hooks:
        hook.remove()
    if unseen := sorted(set(observers.values()) - seen):
        raise CalibrationError(f"'{unseen[0]}' saw no calibration data: no sample reached it")


def require_eval(module: fx.GraphModule, step: str) -> None:
    """Raise CalibrationError if a dropout or batch norm still behaves as in training."""
    for node in module.graph.nodes:
        place = _TRAINED_OTHERWISE.get(node.target)
        if place is not None and node.args[place]:
            raise CalibrationError(
                f"after {step}, '{layer_of(node)}' still works as in training; "
                "this version of torchao can't be trusted with this network"
            )


def written(graph: fx.GraphModule, job: QuantizeJob[P], notes: tuple[str, ...]) -> Files:
    """Write the converted `graph` in the job's format."""
    if job.format == "pt2" and platform.machine() not in ("x86_64", "AMD64"):
        raise UnavailableError(f"no int8 kernels for this graph on {platform.machine()}")
    program = exported(graph, job.network)
    if job.format == "pt2":
        write_program(job.folder / to_program.MODEL, program)
    else:
        path = job.folder / to_onnx.MODEL
        to_onnx.export(program, job.network, path)
        if left := left_modules(job.network, job.settings):
            _keep_float(path, graph, job.network, left)
    return Files(notes=notes, why_float=_why_float, graph=graph)


def _keep_float(path: Path, graph: fx.GraphModule, network: Network, left: Iterable[str]) -> None:
    """Have ONNX Runtime leave these layers of an ONNX file, written from `graph`, in float."""
    model = onnx.load(path)
    nodes = nodes_by_layer(model, network_layers(network), renamed_weights(graph))
    names = {node.name for layer in left for node in nodes.get(layer, ())}
    to_onnx.write(kept_float(model, names), path)


def _why_float(kind: str) -> str:  # noqa: ARG001 - it is the same for every kind
    return "torchao's X86InductorQuantizer passes it over"


def _check(
    layer: str,
    seen: set[str],
    observer: nn.Module,  # noqa: ARG001 - a hook is given it
    inputs: tuple[Tensor, ...],
) -> None:
    seen.add(layer)
    finite = inputs[0].isfinite()
    if not finite.all():
        first = int((~finite).nonzero()[0][0])
        raise CalibrationError(
            f"layer '{layer}' gives a value that isn't finite (place {first} of a calibration "
            "batch or of its weights); check the weights and the samples"
        )


def _drop_unused(module: fx.GraphModule) -> None:
    """Remove float weights that int8 weights replaced, so that they aren't stored beside them."""
    used = {node.target for node in module.graph.nodes if node.op == "get_attr"}
    for name in [*dict(module.named_parameters()), *dict(module.named_buffers())]:
        if name not in used:
            owner, _, attribute = name.rpartition(".")
            delattr(module.get_submodule(owner), attribute)
