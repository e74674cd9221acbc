"""The numerical error of each layer of a PyTorch artifact: both modules run, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Skeleton
from quantbench.errors import UnavailableError, cause
from quantbench.explain.error.module_points import INPUT, ModulePoint, module_points, tensor_format
from quantbench.explain.error.parts import batch_and_groups, feeds, first_feed, starts_of
from quantbench.explain.error.sums import Counts, ErrorSums, Spread
from quantbench.explain.records import ErrorByLayer, Histogram, LayerError
from quantbench.export.engine import using_engine
from quantbench.export.loaded import engine_of, loaded
from quantbench.export.quantized_modules import is_quantized
from quantbench.export.rebuild import read_back
from quantbench.samples.records import Arrays, Samples
from quantbench.system.progress import Progress
from quantbench.system.silence import silenced
from quantbench.tasks.layers import tensors
from quantbench.tasks.network import Network

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class _Call:
    """One call of a layer: what it read, and the first tensor that it gave."""

    inputs: tuple[object, ...]
    output: Tensor


def module_errors(
    artifact: Artifact, network: Network, samples: Samples, progress: Progress
) -> ErrorByLayer:
    """The error of each layer of a state_dict artifact on some samples, and histograms.

    Raises UnavailableError where the modules can't be run, and ArtifactError where the artifact
    doesn't fit its method.
    """
    name = f"{artifact.body.method} {artifact.body.format}"
    with silenced(), torch.inference_mode(), using_engine(engine_of(artifact)):
        skeleton = loaded(artifact)
        float32 = read_back(network, artifact.folder).eval()
        try:
            return _measured(name, float32, skeleton, network, samples, progress)
        except UnavailableError:
            raise
        except Exception as error:  # a network's own code may raise anything
            raise UnavailableError(f"{name} can't be run layer by layer: {cause(error)}") from error


def _measured(
    name: str,
    float32: nn.Module,
    skeleton: Skeleton,
    network: Network,
    samples: Samples,
    progress: Progress,
) -> ErrorByLayer:
    points, fixed = module_points(float32, skeleton.module), network.fixed_batch
    if not points:
        raise UnavailableError("no layer of the state was recognised in the float network")
    seen = _Watch(float32, [point.last for point in points]).calls(first_feed(samples, fixed))
    points = tuple(point for point in points if point.last in seen or not point.last)
    sizes = [sum(c.output.numel() for c in seen.get(point.last, ())) for point in points]
    batch, groups = batch_and_groups(points, sizes, fixed)
    layers: list[LayerError] = []
    histograms: list[Histogram] = []
    for group in groups:
        runs, starts = _Runs(float32, skeleton, group), starts_of(samples, batch, 2)
        steps = iter(progress.each(starts, f"errors of {name}", len(starts)))
        for inputs, count in feeds(samples, batch, fixed, steps):
            runs.look(inputs, count)
        for inputs, count in feeds(samples, batch, fixed, steps):
            runs.add(inputs, count)
        next(steps, None)  # ends the progress bar
        layers += [runs.sums[p].result(p.layer, p.kind) for p in group if p in runs.sums]
        histograms += runs.histograms()
    return ErrorByLayer(
        artifact=name, samples=len(samples), layers=tuple(layers), histograms=tuple(histograms)
    )


class _Watch:
    """A module whose calls of some parts are told; "" stands for the whole."""

    def __init__(self, module: nn.Module, names: Sequence[str]) -> None:
        self._module = module
        self._names = [*dict.fromkeys(names)]

    def calls(self, inputs: Arrays) -> dict[str, list[_Call]]:
        """Part -> its calls in one forward pass."""
        told: dict[str, list[_Call]] = {}

        def note(name: str) -> Callable[..., None]:
            def hook(_: nn.Module, read: tuple[object, ...], output: object) -> None:
                first = next(tensors(output), None)
                if first is not None:
                    told.setdefault(name, []).append(_Call(read, first))

            return hook

        hooks = [
            self._module.get_submodule(name).register_forward_hook(note(name))
            for name in self._names
            if name
        ]
        try:
            self._module(*map(torch.from_numpy, inputs))
        finally:
            for hook in hooks:
                hook.remove()
        return told


class _Runs:
    """The sums of errors of some layers, over batches that are given one by one."""

    def __init__(
        self, float32: nn.Module, skeleton: Skeleton, group: Sequence[ModulePoint]
    ) -> None:
        self._float32, self._quantized, self._group = float32, skeleton.module, group
        self._ranges = skeleton.ranges
        self._real = _Watch(float32, [name for p in group for name in (p.first, p.last)])
        self._given = _Watch(skeleton.module, [part for p in group for part in p.parts])
        self._spreads = {point: Spread() for point in group}
        self._counts: dict[ModulePoint, Counts] = {}
        self.sums: dict[ModulePoint, ErrorSums] = {}

    def look(self, inputs: Arrays, count: int) -> None:
        """Take a batch into account for the ends of the histograms."""
        calls = self._real.calls(inputs)
        for point in self._group:
            for values in _outputs(point, calls, inputs):
                self._spreads[point].add(values[:count].numpy())

    def add(self, inputs: Arrays, count: int) -> None:
        """Add a batch to the sums."""
        real, given = self._real.calls(inputs), self._given.calls(inputs)
        for point in self._group:
            read = real.get(point.first, ())
            ended = given.get(point.parts[-1], ())
            for number, (expected, call) in enumerate(
                zip(_outputs(point, real, inputs), ended, strict=False)
            ):
                alone = call.output
                if read:
                    calls = [given[part][number] for part in point.parts]
                    alone = self._alone(point, read[number], calls)
                self._add(point, expected[:count], call.output[:count], alone[:count])

    def histograms(self) -> Iterator[Histogram]:
        """The histograms of weights and outputs that are rounded, with their ranges."""
        for point in self._group:
            if (weights := self._weights(point)) is not None:
                yield weights
            format = self.sums[point].format if point in self.sums else None
            if format is not None:
                yield self._counts[point].result(
                    point.last or INPUT, point.layer, "activations", format
                )

    def _add(self, point: ModulePoint, expected: Tensor, given: Tensor, made: Tensor) -> None:
        if point not in self.sums:
            linear = isinstance(self._part(point), nn.Linear)
            axis = expected.ndim - 1 if linear else 1
            self.sums[point] = ErrorSums(tensor_format(given), axis, self._levels(point))
            self._counts[point] = Counts.within(self._spreads[point])
        real = expected.numpy()
        self.sums[point].add(real, _numbers(given), _numbers(made))
        self._counts[point].add(real)

    def _alone(self, point: ModulePoint, real: _Call, given: Sequence[_Call]) -> Tensor:
        """A layer's output for float32's values, which are rounded where it reads integers."""
        read, output = real.inputs, torch.empty(0)
        for name, call in zip(point.parts, given, strict=True):
            arguments = [_as_read(*pair) for pair in zip(read, call.inputs, strict=False)]
            output = next(tensors(self._quantized.get_submodule(name).forward(*arguments)))
            read = (output,)
        return output

    def _levels(self, point: ModulePoint) -> int | None:
        """The integers that the last observer of a layer keeps to, where it says so."""
        observers = [f"{part}.activation_post_process" for part in reversed(point.parts)]
        stated = [self._ranges[name] for name in observers if name in self._ranges]
        return stated[0][1] - stated[0][0] + 1 if stated else None

    def _part(self, point: ModulePoint) -> nn.Module | None:
        return self._float32.get_submodule(point.first) if point.first else None

    def _weights(self, point: ModulePoint) -> Histogram | None:
        """The histogram of the rounded weights: those that a batch norm was folded into."""
        part, layer = self._part(point), self._quantized.get_submodule(point.parts[0])
        if part is None or not is_quantized(layer):
            return None
        stored = cast(Callable[[], Tensor], layer.weight)()
        format = tensor_format(stored)
        if format is None:
            return None
        values = stored.dequantize() if point.normed else cast(Tensor, part.weight)
        return Counts.of(values.detach().numpy()).result(
            f"{point.first}.weight", point.layer, "weights", format
        )


def _outputs(
    point: ModulePoint, calls: Mapping[str, Sequence[_Call]], inputs: Arrays
) -> list[Tensor]:
    """The outputs of float32's layer, call by call; the network's input, for its rounding."""
    if not point.last:
        return [torch.from_numpy(inputs[0])]
    return [call.output for call in calls.get(point.last, ())]


def _as_read(real: object, given: object) -> object:
    if not isinstance(real, Tensor) or not isinstance(given, Tensor):
        return given
    if real.is_quantized:
        return real if given.is_quantized else real.dequantize()
    if not given.is_quantized:
        return real
    return torch.quantize_per_tensor(real, given.q_scale(), given.q_zero_point(), given.dtype)


def _numbers(tensor: Tensor) -> Array:
    """A tensor's integers where it is quantized, else its numbers."""
    return (tensor.int_repr() if tensor.is_quantized else tensor).numpy()
