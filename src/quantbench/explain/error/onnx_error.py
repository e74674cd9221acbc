"""The numerical error of each layer of an ONNX artifact: both graphs run, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx
import onnx.inliner

from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.onnx_file import checked
from quantbench.errors import UnavailableError, cause
from quantbench.explain.error.onnx_pairs import Ends, pairing_of
from quantbench.explain.error.onnx_points import Point, points_of
from quantbench.explain.error.onnx_reference import reference
from quantbench.explain.error.onnx_runs import Graphs, Runs, channel_axis, compared
from quantbench.explain.error.onnx_weights import weights_of
from quantbench.explain.error.parts import Feed, batch_and_groups, feeds, first_feed, starts_of
from quantbench.explain.error.qoperator import as_qdq
from quantbench.explain.error.sums import Counts, ErrorSums, Spread
from quantbench.explain.records import ErrorByLayer, Histogram, LayerError
from quantbench.export.onnx_coverage import weights_by_layer
from quantbench.export.onnx_graph import Graph
from quantbench.export.onnx_names import given_weights
from quantbench.export.to_onnx import MODEL
from quantbench.samples.records import Samples
from quantbench.system.progress import Progress
from quantbench.tasks.network import Network
from quantbench.tasks.network_layers import network_layers

INPUT = "Input"
"""The kind of layer that stands for the rounding of a network's input."""


def onnx_errors(
    artifact: Artifact, network: Network, samples: Samples, scratch: Path, progress: Progress
) -> ErrorByLayer:
    """The error of each layer of an ONNX artifact on some samples, and histograms.

    `scratch` is a folder for temporary files. Raises UnavailableError where the graphs can't be
    run or compared, and ArtifactError for a file that isn't ONNX.
    """
    name = f"{artifact.body.method} {artifact.body.format}"
    model = onnx.load_from_string(checked(artifact.folder / MODEL).data)
    graphs = graphs_of(network, model, scratch)
    layers: list[LayerError] = []
    histograms: list[Histogram] = []
    try:
        fixed = network.fixed_batch
        graphs, sizes = compared(graphs, first_feed(samples, fixed))
        batch, groups = batch_and_groups(graphs.points, sizes, fixed)
        names = layer_names(network, graphs)
        for group in groups:
            runs, starts = Runs(graphs, group), starts_of(samples, batch, 2)
            steps = iter(progress.each(starts, f"errors of {name}", len(starts)))
            counts = _ranged(group, runs, feeds(samples, batch, fixed, steps))
            sums = _summed(graphs, group, runs, counts, feeds(samples, batch, fixed, steps))
            next(steps, None)  # ends the progress bar
            layers += [sums[point].result(*names[point]) for point in group if not point.moves]
            histograms += _histograms(graphs, group, names, counts)
    except UnavailableError:
        raise
    except Exception as error:  # ONNX Runtime's errors have no common base of their own
        raise UnavailableError(f"{name} can't be run layer by layer: {cause(error)}") from error
    return ErrorByLayer(
        artifact=name, samples=len(samples), layers=tuple(layers), histograms=tuple(histograms)
    )


def graphs_of(network: Network, model: onnx.ModelProto, scratch: Path) -> Graphs:
    """The graphs to run. Raises UnavailableError where they have no layer in common."""
    quantized = as_qdq(onnx.inliner.inline_local_functions(model))
    float32 = reference(network, quantized, scratch)
    ends = Ends(quantized), Ends(float32)
    pairing = pairing_of(*ends)
    points = points_of(*ends, pairing.pairs)
    if not any(point.head is not None and not point.moves for point in points):
        raise UnavailableError("no layer of the file was recognised in the float network")
    return Graphs(quantized, float32, pairing, points)


def layer_names(network: Network, graphs: Graphs) -> dict[Point, tuple[str, str]]:
    """The name and kind of each point's layer.

    One with weights is called as the network calls it; if it multiplies several times, then
    "layer (1)" and so on. Others have the name of their node in the float graph.
    """
    layers = network_layers(network)
    renamed = given_weights(network, layers)
    kinds = {layer.name: layer.kind for layer in layers}
    by_output: dict[str, tuple[str, str]] = {}
    for layer, weights in weights_by_layer(graphs.float32, layers, renamed).items():
        for place, tensor in enumerate(weights, 1):
            number = f" ({place})" if len(weights) > 1 else ""
            by_output[tensor.node.output[0]] = f"{layer}{number}", kinds[layer]
    return {
        point: by_output.get(point.head.output[0], (_node_name(point.head), point.head.op_type))
        if point.head is not None
        else (point.pair.float_name, INPUT)
        for point in graphs.points
    }


def _node_name(node: onnx.NodeProto) -> str:
    return (node.name or node.output[0]).removeprefix("node_")


def _ranged(group: Sequence[Point], runs: Runs, batches: Iterator[Feed]) -> dict[Point, Counts]:
    """An empty histogram for each rounded point, within the spread of float32's values."""
    spreads = {point: Spread() for point in group if point.format is not None}
    for inputs, count in batches:
        values = runs.float32(inputs)
        for point, spread in spreads.items():
            spread.add(values[point][:count])
    return {point: Counts.within(spread) for point, spread in spreads.items()}


def _summed(
    graphs: Graphs,
    group: Sequence[Point],
    runs: Runs,
    counts: dict[Point, Counts],
    batches: Iterator[Feed],
) -> dict[Point, ErrorSums]:
    """The sums of errors of each point, with its histogram filled."""
    convolves = any(node.op_type == "Conv" for node in graphs.float32.graph.node)
    sums: dict[Point, ErrorSums] = {}
    for inputs, count in batches:
        seen = runs.all(inputs)
        for point in group:
            real = seen.float32[point]
            if point not in sums:
                axis = channel_axis(point, real, convolves=convolves)
                sums[point] = ErrorSums(point.format, axis)
            whole = len(real) == len(inputs[0])  # else its first axis isn't that of the samples
            arrays = (real, seen.given[point], seen.made[point])
            real, given, made = (array[:count] if whole else array for array in arrays)
            sums[point].add(real, given, made)
            if point in counts:
                counts[point].add(real)
    return sums


def _histograms(
    graphs: Graphs,
    group: Sequence[Point],
    names: dict[Point, tuple[str, str]],
    counts: dict[Point, Counts],
) -> Iterator[Histogram]:
    """The histograms of float32's weights and outputs that are rounded, with their ranges."""
    quantized, float32 = Graph(graphs.quantized.graph), Graph(graphs.float32.graph)
    for point in group:
        node = graphs.pairing.nodes.get(point.head.output[0]) if point.head is not None else None
        if point.head is not None and node is not None:
            weights, stored = weights_of(float32, point.head), weights_of(quantized, node)
            if weights is not None and stored is not None and stored.format is not None:
                counted = Counts.of(weights.values)
                tensor, layer = point.head.input[1], names[point][0]
                yield counted.result(tensor, layer, "weights", stored.format)
        if point.format is not None and not point.moves:
            tensor, layer = point.pair.float_name, names[point][0]
            yield counts[point].result(tensor, layer, "activations", point.format)
