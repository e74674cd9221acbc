"""Mixtures of a float ONNX graph and its quantized form: any layers as integers, the rest in float.

A quantizer is run once. Its scales and its integer weights are put into the float graph around the
layers that are asked for, so that all mixtures share one calibration, and each is made in
milliseconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import onnx

from quantbench.errors import UnavailableError
from quantbench.explain.aligned import OUTPUT_IN_FLOAT, aligned
from quantbench.export.float_nodes import float_nodes
from quantbench.export.kept_float import kept_float
from quantbench.export.onnx_coverage import layer_numerics, nodes_by_layer
from quantbench.export.onnx_graph import Graph
from quantbench.export.onnx_names import given_weights
from quantbench.export.to_onnx import tidied
from quantbench.tasks.network import Network
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.records import Layer

_QUANTIZE, _DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
_ACTIVATIONS = ("Relu", "Clip")
_COPIED = " (quantized)"
_STRANGER = (
    "not every layer of the quantized file is found in the float ONNX file, so they can't be taken "
    "one by one"
)


@dataclass(frozen=True)
class Mixtures:
    """A float graph, its quantized form, and the layers that are integers in it."""

    float_model: onnx.ModelProto
    quantized: onnx.ModelProto
    layers: tuple[Layer, ...]
    """Those that multiply integers in the quantized form, in the network's order."""
    nodes: Mapping[str, list[onnx.NodeProto]]
    """Layer -> the nodes of the float graph that multiply for it."""

    def alone(self, layers: Iterable[str]) -> onnx.ModelProto:
        """Only these layers as integers, with their inputs, weights and outputs; else float."""
        return self._with(node.name for layer in layers for node in self.nodes[layer])

    def without(self, layers: Iterable[str]) -> onnx.ModelProto:
        """All as quantized but these layers, and what lies between them alone.

        It is what the setting `leave_float` of a method makes of the network, but for scales that
        the method would place anew: behind a float layer a pooling no longer has its input's.
        """
        floats = float_nodes(self.float_model, self.nodes, layers)
        return self._with(
            node.name for node in self.float_model.graph.node if node.name not in floats
        )

    def _with(self, names: Iterable[str]) -> onnx.ModelProto:
        """The float graph with the nodes of these names as they are quantized."""
        mixture = onnx.ModelProto()
        mixture.CopyFrom(self.float_model)
        transplant, integer = _Transplant(mixture, self._donor), dict.fromkeys(names)
        for name in integer:
            transplant.node(name)
        products = {node.name for nodes in self.nodes.values() for node in nodes}
        return tidied(kept_float(transplant.finished(), products - integer.keys()))

    @cached_property
    def _donor(self) -> _Donor:
        return _Donor(self.quantized)


def mixtures_of(
    network: Network, float_model: onnx.ModelProto, quantized: onnx.ModelProto
) -> Mixtures:
    """The mixtures of a network's float graph and of what a quantizer made of that graph.

    A method that traces the network itself names its nodes as it likes: then counterparts are found
    by aligned.py. Raises UnavailableError where the one isn't the other's form.
    """
    layers = network_layers(network)
    renamed = given_weights(network, layers)
    nodes = nodes_by_layer(float_model, layers, renamed)
    donor = quantized
    integer = _integer(donor, layers, renamed, nodes)
    if not integer:
        donor = aligned(float_model, quantized)
        integer = _integer(donor, layers, renamed, nodes)
    if not integer:
        raise UnavailableError(_STRANGER)
    return Mixtures(
        float_model=_of_opset(float_model, quantized),
        quantized=donor,
        layers=tuple(layer for layer in layers if layer.name in integer),
        nodes=nodes,
    )


def _integer(
    model: onnx.ModelProto,
    layers: Sequence[Layer],
    renamed: Mapping[str, str],
    nodes: Mapping[str, list[onnx.NodeProto]],
) -> set[str]:
    """The layers that multiply integers, if the model calls all their nodes as the float one does.

    `nodes`: layer -> its nodes in the float graph. Else none.
    """
    numerics = layer_numerics(model, layers, renamed)
    integer = {layer.name for layer in numerics if layer.integer}
    known = {(node.name, node.op_type) for node in model.graph.node}
    wanted = [node for name in integer & nodes.keys() for node in nodes[name]]
    held = all((node.name, node.op_type) in known for node in wanted)
    return integer if held and integer <= nodes.keys() else set()


def _of_opset(model: onnx.ModelProto, like: onnx.ModelProto) -> onnx.ModelProto:
    """The model in the version of the standard operators that the other has."""
    versions = [
        next((o.version for o in each.opset_import if o.domain in ("", "ai.onnx")), 0)
        for each in (model, like)
    ]
    if versions[0] == versions[1]:
        return model
    return onnx.version_converter.convert_version(model, versions[1])


class _Donor:
    """A quantized graph, from which nodes' inputs and outputs are read."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = Graph(model.graph)
        self.tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        self.nodes = {node.name: node for node in self.graph.nodes}

    def pair_before(self, tensor: str) -> tuple[onnx.NodeProto, onnx.NodeProto] | None:
        """The QuantizeLinear and DequantizeLinear that a tensor has just passed, or None."""
        after = self.graph.producer(tensor)
        if after is None or after.op_type != _DEQUANTIZE:
            return None
        before = self.graph.producer(after.input[0])
        if before is None or before.op_type != _QUANTIZE:
            return None
        return before, after

    def pair_after(self, node: onnx.NodeProto) -> tuple[onnx.NodeProto, onnx.NodeProto] | None:
        """The pair that reads a node's output, perhaps behind an activation, or None."""
        readers = self.graph.readers(node.output[0])
        if len(readers) == 1 and readers[0].op_type in _ACTIVATIONS:
            readers = self.graph.readers(readers[0].output[0])
        before = next((reader for reader in readers if reader.op_type == _QUANTIZE), None)
        if before is None:
            return None
        after = next(iter(self.graph.readers(before.output[0])), None)
        return None if after is None or after.op_type != _DEQUANTIZE else (before, after)

    def constant(self, tensor: str) -> list[onnx.NodeProto] | None:
        """The nodes that compute a tensor from constants alone, in order; None for any other."""
        if self.graph.is_constant(tensor):
            return []
        node = self.graph.producer(tensor)
        if node is None:
            return None
        before = [self.constant(name) for name in node.input if name]
        if any(nodes is None for nodes in before):
            return None
        return [*(part for nodes in before if nodes for part in nodes), node]


class _Transplant:
    """Puts what a quantizer wrote around nodes into a float graph, which it changes."""

    def __init__(self, model: onnx.ModelProto, donor: _Donor) -> None:
        self._model = model
        self._donor = donor
        self._nodes = {node.name: node for node in model.graph.node}
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._activations = {
            *(name for node in model.graph.node for name in node.output),
            *(value.name for value in model.graph.input),
        }
        self._pairs: dict[str, tuple[onnx.NodeProto, onnx.NodeProto]] = {}
        self._copied: set[str] = set()

    def node(self, name: str) -> None:
        """Make one node read and write what it does in the quantized graph.

        A node that the quantizer took away, as it does activations, needs nothing.
        """
        node, quantized = self._nodes[name], self._donor.nodes.get(name)
        if quantized is None:
            return
        for place, tensor in enumerate(quantized.input):
            if (pair := self._donor.pair_before(tensor)) is not None:
                self._pair(pair)
            elif tensor and (constants := self._donor.constant(tensor)) is not None:
                self._constant(node, place, tensor, constants)
        if (pair := self._donor.pair_after(quantized)) is not None:
            self._pair(pair)

    def finished(self) -> onnx.ModelProto:
        """The graph, with a pair behind each tensor that is quantized."""
        graph = self._model.graph
        outputs = {value.name for value in graph.output}
        for tensor, (before, after) in self._pairs.items():
            source, target = tensor, f"{tensor}{_COPIED}"
            if tensor in outputs:  # what readers and callers know by this name is dequantized
                source, target = f"{tensor} (float)", tensor
                for node in graph.node:
                    node.output[:] = [source if name == tensor else name for name in node.output]
            else:
                for node in graph.node:
                    node.input[:] = [target if name == tensor else name for name in node.input]
            rounded = f"{tensor} (integers)"
            graph.node.extend(
                (
                    self._copy(before, {before.input[0]: source, before.output[0]: rounded}),
                    self._copy(after, {after.input[0]: rounded, after.output[0]: target}),
                )
            )
        return self._model

    def _pair(self, pair: tuple[onnx.NodeProto, onnx.NodeProto]) -> None:
        tensor = pair[0].input[0].removesuffix(OUTPUT_IN_FLOAT)
        if tensor not in self._activations:
            raise UnavailableError(
                f"'{tensor}' is quantized, and the float ONNX file has no such tensor"
            )
        self._pairs.setdefault(tensor, pair)

    def _constant(
        self, node: onnx.NodeProto, place: int, tensor: str, constants: Iterable[onnx.NodeProto]
    ) -> None:
        """Have a node read constants as the quantizer wrote them."""
        same = self._stored.get(tensor)
        if same is not None and same == self._donor.tensors.get(tensor):
            return
        for maker in constants:
            if maker.output[0] not in self._copied:
                self._copied.add(maker.output[0])
                names = {name: f"{name}{_COPIED}" for name in (*maker.input, *maker.output)}
                self._model.graph.node.append(self._copy(maker, names))
        self._tensors([tensor])
        node.input[place] = f"{tensor}{_COPIED}"

    def _copy(self, node: onnx.NodeProto, names: Mapping[str, str]) -> onnx.NodeProto:
        """A copy that reads and writes tensors by other names; constants come along."""
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        self._tensors(node.input)
        constants = {name: f"{name}{_COPIED}" for name in self._constants(node.input)}
        for field in (copy.input, copy.output):
            field[:] = [{**names, **constants}.get(name, name) for name in field]
        copy.name = copy.output[0]
        return copy

    def _constants(self, names: Iterable[str]) -> Iterator[str]:
        return (name for name in names if name in self._donor.tensors)

    def _tensors(self, names: Collection[str]) -> None:
        for name in self._constants(names):
            if name not in self._copied:
                self._copied.add(name)
                tensor = self._model.graph.initializer.add()
                tensor.CopyFrom(self._donor.tensors[name])
                tensor.name = f"{name}{_COPIED}"
