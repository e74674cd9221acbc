"""What the methods of torchao's PT2E share: the network as a graph of operators, in which each
layer's inputs and weights are quantized and dequantized.

torchao is imported where it is used: it takes seconds, and it talks while it loads.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import cast

import torch
from pydantic import Field
from torch import Tensor, fx, nn

from quantbench.artifacts.pt2_file import write_program
from quantbench.errors import CalibrationError, UnavailableError
from quantbench.export import to_onnx
from quantbench.export.calibration import BATCH
from quantbench.export.to_program import exported
from quantbench.numerics.coverage import LayerNumerics, Quantized
from quantbench.system.machine import environment, has_vnni
from quantbench.system.progress import Progress
from quantbench.system.record import Settings
from quantbench.system.silence import silenced
from quantbench.tasks.layers import layers

FORMATS = ("pt2", "onnx")
LIBRARIES = ("torch", "torchao", "onnx", "onnxscript")

_aten = torch.ops.aten
_MULTIPLYING = (
    _aten.conv1d.default, _aten.conv2d.default, _aten.conv3d.default, _aten.linear.default,
    _aten.conv_transpose1d.default, _aten.conv_transpose2d.input, _aten.conv_transpose3d.input,
    _aten.matmul.default, _aten.bmm.default, _aten.scaled_dot_product_attention.default,
    _aten.lstm.input, _aten.gru.input, _aten.rnn_tanh.input, _aten.rnn_relu.input,
)  # fmt: skip
_TRAINED_OTHERWISE = {_aten.dropout.default: 2, _aten.batch_norm.default: 5}
"""Operators that training changes -> the place of the argument that says whether it does."""
_QUANTIZE = "quantize_per_tensor"
_DEQUANTIZE = "dequantize_per_"


def _without_vnni() -> bool:
    return not has_vnni(environment())


class PT2ESettings(Settings):
    reduce_range: bool = Field(
        default_factory=_without_vnni,
        description="7-bit activations, for CPUs that add two u8 x s8 products in 16 bits",
    )


def prepared(
    model: nn.Module, input_shape: tuple[int, ...], *, reduce_range: bool, train: bool
) -> fx.GraphModule:
    """The graph of `model` with an observer, or a fake quantizer to train, at each place."""
    with silenced():
        from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import (
            X86InductorQuantizer,
            get_default_x86_inductor_quantization_config,
        )

        quantizer = X86InductorQuantizer()
        quantizer.set_global(
            get_default_x86_inductor_quantization_config(is_qat=train, reduce_range=reduce_range)
        )
    return observed(model, input_shape, quantizer, train=train)


def observed(
    model: nn.Module, input_shape: tuple[int, ...], quantizer: object, *, train: bool
) -> fx.GraphModule:
    """The graph of `model` as a quantizer of torchao's kind prepares it."""
    with silenced():
        from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e, prepare_qat_pt2e

        graph = exported(model, input_shape).module(check_guards=False)
        prepare = prepare_qat_pt2e if train else prepare_pt2e
        return cast(fx.GraphModule, prepare(graph, quantizer))


def set_training(module: fx.GraphModule, *, train: bool) -> None:
    """What .train() and .eval() can't do to a graph; see `require_eval`."""
    with silenced(), torch.random.fork_rng(devices=[]):  # it draws random inputs to trace
        from torchao.quantization.pt2e import (
            move_exported_model_to_eval,
            move_exported_model_to_train,
        )

        (move_exported_model_to_train if train else move_exported_model_to_eval)(module)


def converted(module: fx.GraphModule) -> fx.GraphModule:
    """Observers replaced by quantizing and dequantizing, weights stored as int8, in eval mode."""
    with silenced():
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

        result = cast(fx.GraphModule, convert_pt2e(module))
    set_training(result, train=False)
    require_eval(result, "conversion")
    _drop_unused(result)
    return result


def calibrate(graph: fx.GraphModule, inputs: Tensor, progress: Progress) -> None:
    """Raises CalibrationError at a value that isn't finite, or an observer that saw none."""
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
    batches = inputs.split(BATCH)
    with torch.no_grad():
        for batch in progress.each(batches, "calibrating", len(batches)):
            graph(batch)
    for hook in hooks:
        hook.remove()
    if unseen := sorted(set(observers.values()) - seen):
        raise CalibrationError(f"'{unseen[0]}' saw no calibration data: no image reached it")


def require_eval(module: fx.GraphModule, step: str) -> None:
    """Raises CalibrationError if a dropout or batch norm still works as in training."""
    for node in module.graph.nodes:
        place = _TRAINED_OTHERWISE.get(node.target)
        if place is not None and node.args[place]:
            raise CalibrationError(
                f"after {step}, '{layer_of(node)}' still works as in training; "
                "this version of torchao can't be trusted with this network"
            )


def written(
    model: nn.Module,
    graph: fx.GraphModule,
    input_shape: tuple[int, ...],
    format: str,
    folder: Path,
    settings: PT2ESettings,
    notes: tuple[str, ...],
) -> Quantized:
    """Write the converted `graph` of the float `model`, and say what is in it."""
    if format == "pt2" and platform.machine() not in ("x86_64", "AMD64"):
        raise UnavailableError(f"no int8 kernels for this graph on {platform.machine()}")
    bits = "7 of 8 bits" if settings.reduce_range else "8 bits"
    described = Quantized(
        numerics=f"weights int8 per channel, activations uint8 ({bits})",
        layers=layer_numerics(model, graph, input_shape, f"uint8 ({bits})"),
        structure=structure_of(graph),
        notes=notes,
    )
    program = exported(graph, input_shape)
    if format == "pt2":
        write_program(folder / "model.pt2", program)
    else:
        to_onnx.export(program, input_shape, folder / "model.onnx")
    return described


def layer_numerics(
    model: nn.Module,
    graph: fx.GraphModule,
    input_shape: tuple[int, ...],
    activations: str,
    quantizer: str = "torchao's X86InductorQuantizer",
) -> tuple[LayerNumerics, ...]:
    """What became of each layer that multiplies; a layer passed twice is int8 if both are."""
    found: dict[str, list[fx.Node]] = {}
    for node in graph.graph.nodes:
        if node.target in _MULTIPLYING:
            found.setdefault(layer_of(node), []).append(node)
    told = []
    for layer in layers(model, input_shape):
        if not layer.macs:
            continue
        nodes = found.get(layer.name, [])
        integer = bool(nodes) and all(_reads_integers(node) for node in nodes)
        scale, zero_point = _output_scale(nodes[-1]) if integer else (None, None)
        told.append(
            LayerNumerics(
                name=layer.name,
                kind=layer.kind,
                macs=layer.macs,
                integer=integer,
                weights="int8 per channel" if integer else "float32",
                activations=activations if integer else "float32",
                reason=None if integer else f"{quantizer} passes it over",
                scale=scale,
                zero_point=zero_point,
            )
        )
    return tuple(told)


def layer_of(node: fx.Node) -> str:
    """The module of the float network that a node came from; else the node's own name."""
    stack = node.meta.get("nn_module_stack") or {}
    return str(list(stack.values())[-1][0]) if stack else node.name


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
            "batch or of its weights); check the weights and the images"
        )


def _reads_integers(node: fx.Node) -> bool:
    inputs, weights = node.args[0], node.args[1]
    return all(isinstance(arg, fx.Node) and _is(arg, _DEQUANTIZE) for arg in (inputs, weights))


def _output_scale(node: fx.Node) -> tuple[float | None, int | None]:
    """Of the first quantization after a layer, past what only reads it, such as ReLU."""
    users = list(node.users)
    if len(users) != 1 or users[0].target in _MULTIPLYING or users[0].op == "output":
        return None, None
    if _is(users[0], _QUANTIZE):
        return float(cast(float, users[0].args[1])), int(cast(int, users[0].args[2]))
    return _output_scale(users[0])


def _is(node: fx.Node, operator: str) -> bool:
    return str(node.target).startswith(f"quantized_decomposed.{operator}")


def _drop_unused(module: fx.GraphModule) -> None:
    """Float weights that int8 ones took the place of would be stored beside them."""
    used = {node.target for node in module.graph.nodes if node.op == "get_attr"}
    for name in [*dict(module.named_parameters()), *dict(module.named_buffers())]:
        if name not in used:
            owner, _, attribute = name.rpartition(".")
            delattr(module.get_submodule(owner), attribute)


def structure_of(module: fx.GraphModule) -> str:
    """One line a node, each parameter with its type and shape."""
    return "\n".join(_lines(module))


def _lines(module: fx.GraphModule) -> Iterator[str]:
    state = module.state_dict(keep_vars=True)
    for node in module.graph.nodes:
        if node.op == "get_attr":
            value = state[str(node.target)]
            kind = str(value.dtype).removeprefix("torch.")
            yield f"{node.name}: {kind}{list(value.shape)} = {node.target}"
        elif node.op == "placeholder":
            yield f"{node.name} = input"
        elif node.op == "output":
            yield f"return {node.args[0]}"
        else:
            yield f"{node.name} = {node.target}({', '.join(map(str, node.args))})"
