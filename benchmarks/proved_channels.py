"""How many channels and layers of networks have their requantization proved in a shorter form.

    python -m benchmarks.proved_channels [MODEL.onnx ...]

Without files, the networks are LeNet, and ResNet-8, DS-CNN, MobileNetV1 0.25 and MobileNetV2 of
tests/families, fitted to generated data in seconds and quantized by ONNX Runtime (uint8
activations, int8 weights by channel). The forms are those of docs/arithmetic.md: `upper` and `real`
of wide registers, `common` of portable C. A layer counts where all its channels are proved.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torch import nn

from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.graph import Graph
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.layer import Layer
from quantbench.c99.passes.layout import plan
from quantbench.c99.passes.proved import channels_of, common_shift
from quantbench.export.ort_quantizer import float_onnx
from quantbench.export.to_onnx import INPUT
from quantbench.models.lenet import build as lenet
from quantbench.numerics.proved import reals, scaled
from quantbench.samples.records import Array
from quantbench.system.silence import silenced
from quantbench.tasks.network import TensorSpec
from tests.families import ds_cnn, mobilenet_v1, mobilenet_v2, resnet8
from tests.families.fit import fitted
from tests.networks import network_of

FORMS = ("upper", "common", "real")
STEPS, CALIBRATION = 20, 32


@dataclass
class Count:
    """The channels and layers of a kind, and how many of them each form is proved of."""

    channels: int
    layers: int
    proved: dict[str, int]
    whole: dict[str, int]


class OneBatch(CalibrationDataReader):  # type: ignore[misc]
    """All samples at once."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._left = iter([{INPUT: samples}])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._left, None)


def counted(graph: Graph) -> dict[str, Count]:
    """Count the depthwise layers and the others of a planned graph."""
    counts: dict[str, Count] = {}
    for node in graph.nodes:
        channels = channels_of(node, graph) if isinstance(node, Layer) else None
        if channels is None or not isinstance(node, Layer) or node.requantize is None:
            continue
        depthwise = isinstance(node, Conv) and node.groups > 1
        count = counts.setdefault(
            "depthwise" if depthwise else "other",
            Count(0, 0, dict.fromkeys(FORMS, 0), dict.fromkeys(FORMS, 0)),
        )
        thresholds, shift = channels.thresholds(), common_shift(channels)
        proved = {
            "upper": scaled(channels, thresholds, 32).proved,
            "common": scaled(channels, thresholds, max(shift, 33), centred=True).proved,
            "real": reals(channels, thresholds, node.requantize.zero_point).proved,
        }
        count.channels += len(channels)
        count.layers += 1
        for form in FORMS:
            count.proved[form] += int(proved[form].sum())
            count.whole[form] += int(proved[form].all())
    return counts


def files(folder: Path) -> Iterator[Path]:
    """Write each network, quantized, and yield its file."""
    rng = np.random.default_rng(0)
    yield _quantized("LeNet", lenet(), rng.normal(0, 1, (CALIBRATION, 1, 32, 32)), folder)
    for module in (resnet8, ds_cnn, mobilenet_v1, mobilenet_v2):
        family = module.FAMILY
        steps = 0 if module is mobilenet_v2 else STEPS
        (samples,), _ = family.samples(1.0, CALIBRATION, 1)
        yield _quantized(family.name, fitted(family, 1.0, steps), samples, folder)


def _quantized(name: str, model: nn.Module, inputs: Array, folder: Path) -> Path:
    real, quantized = folder / "float32.onnx", folder / f"{name}.onnx"
    samples = inputs.astype(np.float32)
    with silenced():
        float_onnx(network_of(model, TensorSpec(name=INPUT, shape=samples.shape[1:])), real)
        quantize_static(
            real, quantized, OneBatch(samples), quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=True,
        )  # fmt: skip
    return quantized


def report(path: Path) -> None:
    """Print the counts of a file."""
    graph = plan(import_onnx(path)).graph
    begin = time.process_time()
    counts = counted(graph)
    spent = time.process_time() - begin
    for kind, count in counts.items():
        cells = [
            f"{form} {count.proved[form]} channels, {count.whole[form]} layers" for form in FORMS
        ]
        sys.stdout.write(
            f"{path.stem}, {kind}: {count.channels} channels, {count.layers} layers; "
            f"{'; '.join(cells)}\n"
        )
    sys.stdout.write(f"{path.stem}: {spent:.2f} s\n")
    sys.stdout.flush()


def main(*names: str) -> None:
    if names:
        for name in names:
            report(Path(name))
        return
    with tempfile.TemporaryDirectory() as folder:
        for path in files(Path(folder)):
            report(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
