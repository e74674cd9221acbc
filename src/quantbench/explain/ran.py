"""Tell what ran as integer: each layer, as its file holds it and its runtime's profile tells."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from quantbench.errors import ArtifactError, UnavailableError
from quantbench.explain.records import LayerRan, Ran, RanAs, TimeSplit
from quantbench.explain.subject import Subject
from quantbench.tasks.network import TensorSpec
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.records import Layer


def layers_ran(subject: Subject, rows: Sequence[str] | None = None) -> tuple[RanAs, ...]:
    """The layers of each quantized row, or of those named, as their artifacts hold them.

    A row whose artifact isn't as it was saved is left out, and told.
    """
    depthwise = _depthwise_of(subject)
    found = []
    for row in subject.results.rows:
        if row.kind != "real" or (rows is not None and row.name not in rows):
            continue
        try:
            quantized = subject.artifact(row).body.quantized
        except ArtifactError as error:
            subject.progress.log(f"note: no layers of {row.name}: {error}")
            continue
        layers = tuple(
            LayerRan(
                ran="integer" if layer.integer else "float",
                numerics=layer,
                depthwise=layer.name in depthwise,
            )
            for layer in quantized.layers
        )
        found.append(RanAs(row=row.name, layers=layers))
    return tuple(found)


def as_profiled(ran: Sequence[RanAs], times: Sequence[TimeSplit]) -> tuple[RanAs, ...]:
    """The same layers, corrected by what the runtimes' profilers saw, with their times.

    A layer is found by its name in a row's split at its smallest batch. Where the profile has it in
    float32 while the file holds integers, float32 is what ran.
    """
    smallest: dict[str, TimeSplit] = {}
    for split in sorted(times, key=lambda split: -split.batch):
        smallest[split.row] = split
    return tuple(
        each
        if each.row not in smallest
        else RanAs(
            row=each.row,
            layers=tuple(_profiled(layer, smallest[each.row]) for layer in each.layers),
        )
        for each in ran
    )


def _profiled(layer: LayerRan, split: TimeSplit) -> LayerRan:
    name = layer.numerics.name
    seen = [time for time in split.layers if time.name == name and time.part in _MULTIPLIES]
    if not seen:
        return layer
    part = max(seen, key=lambda time: time.us).part
    return layer.model_copy(update={"ran": _MULTIPLIES[part], "us": sum(time.us for time in seen)})


_MULTIPLIES: dict[str, Ran] = {"integer": "integer", "float": "float"}


def _depthwise_of(subject: Subject) -> frozenset[str]:
    try:
        layers = network_layers(subject.task.network)
    except (UnavailableError, ArtifactError):
        return frozenset()
    return depthwise(layers, subject.task.network.inputs)


def depthwise(layers: Sequence[Layer], inputs: Sequence[TensorSpec]) -> frozenset[str]:
    """The names of the convolutions that read one channel for each output, of several.

    They have one multiply-add for each output element and place of the kernel. So has a network's
    first convolution where its input has a single channel, which isn't depthwise.
    """
    convolutions = [layer for layer in layers if layer.kernel and layer.macs]
    names = [
        layer.name
        for layer in convolutions
        if layer.macs == prod(layer.output_shape) * prod(layer.kernel) and layer.output_shape[0] > 1
    ]
    one_channel = len(inputs) == 1 and inputs[0].shape[:1] == (1,)
    first = convolutions[0].name if convolutions and one_channel else None
    return frozenset(name for name in names if name != first)
