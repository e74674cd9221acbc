"""The integer network against the ONNX file that it was made of, layer by layer.

The importer, the interpreter and the C share one understanding of the file, and so its mistakes.
Here the file speaks for itself: ONNX Runtime without optimizations evaluates each layer for the
same integers, and each result must lie within the bound of docs/arithmetic.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantbench.c99.check import evaluator
from quantbench.c99.check.probes import affordable, probes
from quantbench.c99.frontend.reader import Network
from quantbench.c99.ir.graph import LIMITS, Graph, Node, Origin, Reals, Tensor
from quantbench.c99.ir.interpreter import dequantized, quantized
from quantbench.c99.ir.probabilities import finished
from quantbench.c99.ir.sizes import multiply_adds
from quantbench.c99.nodes.reshape import Reshape
from quantbench.c99.passes.to_uint8 import to_uint8
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import Integers

Array = NDArray[np.generic]
_SEED = 2
_ROOM = 1e-5
"""A part of the output's largest number: float32 arithmetic beside the core."""


def verify(file: Network, graph: Graph) -> None:
    """Compare the integer graph with the file that it was imported from.

    Raises CompileError, which names the first layer that is off.
    """
    network = to_uint8(graph)
    source = _Source(file, graph)
    batch = file.batch or 1
    number = -(-affordable(network, multiply_adds(network)) // batch) * batch
    integers = probes(network, number)
    inner = source.given(integers)
    reals = {
        given.name: _reals(graph.tensors[name], (number, *given.shape), seed)
        for seed, (given, name) in enumerate(zip(file.inputs, graph.inputs, strict=True))
    }
    inputs = {name: inner.pop(name, values) for name, values in reals.items()}
    answers = evaluator.evaluate(file.model, file.batch, inputs, inner, source.all_watched())
    for given, name in zip(file.inputs, graph.inputs, strict=True):
        ours = quantized(reals[given.name], graph.tensors[name])
        for origin in graph.origins.get(name, ()):
            if origin.name != given.name:
                wanted = answers[origin.name].reshape(ours.shape)
                _require(np.array_equal(ours, wanted), "the input's quantization")
        integers.setdefault(name, ours + source.offset(name))
    results: dict[str, Integers] = {}
    for node, values, e in _layers(network, integers):
        results[node.output] = values
        tensor = network.tensors[node.output]
        for origin in network.origins.get(node.output, ()):
            wanted = answers[source.watched(node.output, origin)].reshape(values.shape)
            room = e + (origin.slack + _by_channel(origin.moved, tensor)) / _scale(tensor)
            raised = _by_channel(origin.raised, tensor)
            _require_close(node.name, _apart(values, wanted, tensor, raised), room, tensor)
    for output, name in zip(network.outputs, file.outputs, strict=True):
        _require_answer(network, source, results | integers, answers, (output, name))


class _Source:
    """The tensors of the ONNX file that hold what those of the graph hold."""

    def __init__(self, file: Network, graph: Graph) -> None:
        self._graph = graph
        self._rounded = evaluator.real_inputs(file.model)
        self._outputs = file.outputs

    def all_watched(self) -> list[str]:
        """Every tensor to be compared, once."""
        origins = ((name, origin) for name, many in self._graph.origins.items() for origin in many)
        return [*dict.fromkeys([*(self.watched(*pair) for pair in origins), *self._outputs])]

    def watched(self, name: str, origin: Origin) -> str:
        """The file's tensor to compare: for an input its integers, else what is to be rounded."""
        if name in self._graph.inputs:
            return origin.name
        return self._rounded.get(origin.name, origin.name)

    def offset(self, name: str) -> int:
        """The number that the graph without int8 adds to a tensor's integers."""
        return self._graph.tensors[name].to_unsigned

    def given(self, integers: Mapping[str, Integers]) -> dict[str, Array]:
        """The integers of an unsigned graph in the names, shapes and types that the file has."""
        return {
            origin.name: (values - tensor.to_unsigned + _by_channel(origin.raised, tensor))
            .reshape(len(values), *origin.shape)
            .astype(tensor.type)
            for name, values in integers.items()
            for tensor in (self._graph.tensors[name],)
            for origin in self._graph.origins[name]
        }


def _layers(
    network: Graph, integers: Mapping[str, Integers]
) -> Iterator[tuple[Node, Integers, Reals]]:
    """Each node's result for given integers before it, and its tolerance beyond half a step.

    A tensor without an origin in the file keeps the value that was computed for it.
    """
    values: dict[str, Integers] = dict(integers)
    rounded: dict[str, Reals] = {}
    for node in network.nodes:
        names = node.reads
        result = node.evaluate(network, values)
        if any(name in rounded for name in names):
            exact = {name: np.zeros(values[name].shape) for name in names}
            off = exact | {name: rounded[name] for name in names if name in rounded}
            e = node.carried(network, values, off)
        else:
            e = node.excess(network, values)
        yield node, result, e
        if node.output in integers:
            continue
        values[node.output] = result
        if any(name in rounded for name in names) or node.rounds:
            rounded[node.output] = e


def _apart(values: Integers, reals: Array, tensor: Tensor, raised: Reals) -> Reals:
    """The distance of a tensor from the file's real numbers, in its steps.

    Half a step, the most that rounding takes, is subtracted for 8-bit tensors. `raised`: how much
    below those of the type their integers end.
    """
    steps = reals.astype(np.float64) / _scale(tensor)
    if tensor.type == "int32":
        return np.asarray(np.abs(values - steps), np.float64)
    low, high = LIMITS[tensor.type]
    held = np.clip(steps + _by_channel(tensor.zero_points, tensor), low, high - raised)
    return np.asarray(np.abs(values - held) - 0.5)


def _scale(tensor: Tensor) -> Reals:
    return _by_channel(np.asarray(tensor.scale, np.float32), tensor)


def _by_channel(values: ArrayLike, tensor: Tensor) -> Reals:
    """The values shaped to broadcast over [N, *shape]; 0 where there are none."""
    array = np.asarray(values, np.float64) if np.size(values) else np.zeros(1)
    return array if array.size == 1 else array.reshape(-1, *[1] * (len(tensor.shape) - 1))


def _require_close(layer: str, apart: Reals, room: Reals, tensor: Tensor) -> None:
    over = ~(apart <= room)  # NaN is over, too
    if over.any():
        half = 0.0 if tensor.type == "int32" else 0.5
        most, allowed = float((apart + half)[over].max()), float((room + half).max())
        raise CompileError(
            f"{layer}: compiled, it would differ from the ONNX file by {most:.3g} steps of its "
            f"output, where {allowed:.3g} are proved: a fault in quantbench; please report it"
        )


def _require(equal: bool, what: str) -> None:
    if not equal:
        raise CompileError(
            f"{what}: compiled, it would differ from the ONNX file: a fault in quantbench; "
            "please report it"
        )


def _require_answer(
    network: Graph, source: _Source, values: Mapping[str, Integers], answers: Mapping[str, Array],
    end: tuple[str, str],
) -> None:  # fmt: skip
    """Compare the file's output for the integers that it is given, or for its accumulators.

    `end`: the output's tensor, and its name in the file.
    """
    output, given = end
    name, tensor = _held_as(network, output), network.tensors[output]
    origins = network.origins.get(name, ())
    if given in {origin.name for origin in origins}:
        return  # these integers are the output: they were compared
    theirs = answers[given].astype(np.float64)
    held = values[name].reshape(-1, *tensor.shape)
    if network.own_output and not network.final:
        own = held - source.offset(name)
        _require(np.array_equal(own.reshape(theirs.shape), theirs), "the output")
        return
    if tensor.type == "int32":
        ours = answers[source.watched(name, origins[0])].astype(np.float64)
    else:
        ours = dequantized(held, tensor).astype(np.float64)
    if network.final == "argmax":  # of the same scores, the same class
        ours = finished(ours, network.final)
    ours, room = ours.reshape(len(ours), -1), _ROOM * max(np.abs(theirs).max(), 1e-30)
    if network.final and network.final != "argmax":
        ours = finished(ours, network.final)
    if rounded := network.rounded:
        scale = float(np.float32(rounded.scale[0]))
        low, high = (scale * (q - rounded.zero_point) for q in LIMITS[rounded.type])
        ours, room = np.clip(ours, low, high), room + scale / 2
        if network.own_output:
            theirs = scale * (theirs - rounded.zero_point)
    close = np.abs(ours - theirs.reshape(ours.shape)) <= room
    _require(bool(close.all()), "the output")


def _held_as(network: Graph, name: str) -> str:
    """The tensor that an output is, even if in another shape."""
    before = {node.output: node.input for node in network.nodes if isinstance(node, Reshape)}
    while name not in network.origins and name in before:
        name = before[name]
    return name


def _reals(tensor: Tensor, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """Inputs of the network, some beyond the range of its integers."""
    steps = np.random.default_rng(_SEED + seed).normal(0, 150, shape)
    return np.asarray(steps * tensor.scale[0], np.float32)
