"""Checks of inputs and targets against what the network takes and gives."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from quantbench.samples.records import Array, Samples
from quantbench.tasks.checks.evidence import Evidence
from quantbench.tasks.checks.splits import class_labels
from quantbench.tasks.network import TensorSpec
from quantbench.tasks.records import Diagnostic

_LEFT_OUT = (-100, 255)
"""Labels that losses for segmentation pass over, by convention."""


def number_of_inputs(evidence: Evidence) -> Iterator[Diagnostic]:
    """A network of several inputs has samples of one, or the reverse."""
    specs = evidence.network.inputs
    for split in evidence.task.splits:
        arrays = split.inputs(0, 1)
        if len(arrays) != len(specs):
            names = ", ".join(spec.name for spec in specs)
            yield Diagnostic(
                code="number-of-inputs",
                sentence=f"the network has {_inputs(len(specs))} ({names}), the {split.name} "
                f"samples have {len(arrays)}",
                remedy="give one array for each input, in their order",
                stops=True,
            )


def input_shapes(evidence: Evidence) -> Iterator[Diagnostic]:
    """Samples have another shape or kind of number than the network takes."""
    for split in evidence.task.splits:
        arrays = split.inputs(0, 1)
        if len(arrays) != len(evidence.network.inputs):
            continue  # number_of_inputs says so
        for spec, array in zip(evidence.network.inputs, arrays, strict=True):
            shape = array.shape[1:]
            if shape != spec.shape or not _same_kind(array, spec):
                yield Diagnostic(
                    code="input-shape",
                    sentence=f"input '{spec.name}' takes {spec.dtype} {list(spec.shape)}, the "
                    f"{split.name} samples are {array.dtype} {list(shape)}",
                    remedy=_shape_remedy(shape, spec),
                    stops=True,
                )


def targets_missing(evidence: Evidence) -> Iterator[Diagnostic]:
    """The test samples have no targets."""
    if evidence.task.test.targets is None:
        yield Diagnostic(
            code="no-targets",
            sentence="the test samples have no targets, so no accuracy can be measured",
            remedy="give targets; without them rows are compared with the float network's answers",
        )


def number_of_targets(evidence: Evidence) -> Iterator[Diagnostic]:
    """There are more or fewer targets than samples."""
    for split in evidence.task.splits:
        if split.targets is not None and len(split.targets) != len(split):
            yield Diagnostic(
                code="number-of-targets",
                sentence=f"there are {len(split.targets):,} targets for {len(split):,} "
                f"{split.name} samples",
                remedy="give one target for each sample",
                stops=True,
            )


def labels_out_of_range(evidence: Evidence) -> Iterator[Diagnostic]:
    """A label names a class that the network has no output for."""
    classes = _classes(evidence)
    for split in evidence.task.splits:
        labels = _labels(split, evidence.outputs)
        if classes is None or labels is None or labels.size == 0:
            continue
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= classes:
            yield Diagnostic(
                code="labels-out-of-range",
                sentence=f"{split.name} labels go from {low} to {high}, the network has outputs "
                f"for classes 0 to {classes - 1}",
                remedy="count classes from 0, in the order of the network's outputs",
            )


def targets_unlike_outputs(evidence: Evidence) -> Iterator[Diagnostic]:
    """Targets are neither classes nor of an output's shape, so no metric compares the two."""
    targets, outputs = evidence.test.targets, evidence.outputs
    if targets is None or _labels(evidence.test, outputs) is not None:
        return
    shapes = [output.shape for output in outputs]
    if targets.shape in shapes and _is_one_hot(targets):
        yield Diagnostic(
            code="one-hot-targets",
            sentence="targets are one-hot: a row of zeros with a single one for each sample",
            remedy="give the class of each sample instead: targets.argmax(1)",
        )
    elif not any(_alike(targets.shape, shape) for shape in shapes):
        yield Diagnostic(
            code="targets-unlike-outputs",
            sentence=f"targets have the shape {list(targets.shape[1:])}, the network's outputs "
            f"{' and '.join(str(list(shape[1:])) for shape in shapes)}",
            remedy="give a class (an integer) for each sample, or targets of an output's shape",
        )


def _inputs(count: int) -> str:
    return "one input" if count == 1 else f"{count} inputs"


def _same_kind(array: Array, spec: TensorSpec) -> bool:
    return array.dtype == np.dtype(spec.dtype)


def _shape_remedy(shape: tuple[int, ...], spec: TensorSpec) -> str:
    if shape == spec.shape:
        return f"convert them to {spec.dtype}"
    if len(shape) > 2 and (shape[-1], *shape[:-1]) == spec.shape:
        return "move the last axis, the channels, to the front: np.moveaxis(x, -1, 1)"
    if (1, *shape) == spec.shape:
        return "add the axis of the one channel: x[:, None]"
    return f"bring them to the shape [N, {', '.join(map(str, spec.shape))}]"


def _classes(evidence: Evidence) -> int | None:
    """The classes that the first output tells apart, [N, K, ...]; None for one number a sample."""
    output = evidence.outputs[0]
    return output.shape[1] if output.ndim > 1 and output.shape[1] > 1 else None


def _labels(samples: Samples, outputs: tuple[Array, ...]) -> Array | None:
    """Targets that are classes: an integer for each sample, or for each place of an output."""
    if (labels := class_labels(samples)) is not None:
        return labels
    targets = samples.targets
    if targets is None or not np.issubdtype(targets.dtype, np.integer):
        return None
    if not any(targets.shape[1:] == output.shape[2:] for output in outputs):
        return None
    places = np.asarray(targets)
    return places[~np.isin(places, _LEFT_OUT)]


def _is_one_hot(targets: Array) -> bool:
    if targets.ndim != 2 or targets.shape[1] < 2:
        return False
    return bool(np.isin(targets, (0, 1)).all() and (targets.sum(1) == 1).all())


def _alike(targets: tuple[int, ...], output: tuple[int, ...]) -> bool:
    """Equal but for axes of one element: [N] and [N, 1]."""
    return [size for size in targets[1:] if size > 1] == [size for size in output[1:] if size > 1]
