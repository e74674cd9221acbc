"""Every family has the published size, and leaves PyTorch with the values that it had there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch.export import Dim
from torch.utils.flop_counter import FlopCounterMode

from quantbench.system.silence import silenced
from tests.families.catalogue import FAMILIES
from tests.families.family import Family
from tests.families.fit import fitted, outputs_of

TINY = 0.1
every = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@pytest.mark.parametrize(
    "family",
    [family for family in FAMILIES if family.macs is not None],
    ids=lambda family: family.name,
)
def test_the_real_size_has_the_published_multiply_adds(family: Family) -> None:
    with torch.device("meta"):
        network = family.build(1.0).eval()
        inputs = tuple(torch.zeros(1, *spec.shape) for spec in family.inputs(1.0))
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(*inputs)
    assert counter.get_total_flops() / 2 == pytest.approx(family.macs, rel=0.015)


@every
def test_the_real_size_has_the_published_parameters(family: Family) -> None:
    with torch.device("meta"):
        network = family.build(1.0)
    count = sum(parameter.numel() for parameter in network.parameters())
    if family.counts_statistics:
        count += sum(b.numel() for name, b in network.named_buffers() if "running" in name)
    assert count == family.parameters


@every
def test_exported_and_on_onnx_runtime_it_gives_the_same_outputs(
    family: Family, tmp_path: Path
) -> None:
    network = fitted(family, TINY, steps=0)
    arrays, _ = family.samples(TINY, 5, seed=9)
    specs = family.inputs(TINY)
    assert [array.shape[1:] for array in arrays] == [spec.shape for spec in specs]
    inputs = tuple(torch.from_numpy(array) for array in arrays)
    with torch.no_grad():
        expected = outputs_of(network, inputs)
    assert all(output.isfinite().all() and output.std() > 1e-3 for output in expected)

    batch = Dim("batch", min=1, max=64)
    path = tmp_path / "model.onnx"
    with silenced(), torch.no_grad():
        program = torch.export.export(
            network,
            tuple(tensor[:2] for tensor in inputs),
            dynamic_shapes=({0: batch},) * len(inputs),
        )
        torch.onnx.export(program, input_names=[spec.name for spec in specs]).save(path)  # type: ignore[union-attr]
        exported = outputs_of(program.module(check_guards=False), inputs)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    answers = session.run(None, {spec.name: a for spec, a in zip(specs, arrays, strict=True)})
    assert len(answers) == len(exported) == len(expected)
    for output, same, answer in zip(expected, exported, answers, strict=True):
        scale = max(1.0, float(output.abs().max()))
        np.testing.assert_allclose(same.numpy() / scale, output.numpy() / scale, rtol=0, atol=1e-5)
        np.testing.assert_allclose(answer / scale, output.numpy() / scale, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["MLP", "GRU", "Two inputs", "Two outputs", "Autoencoder"])
def test_a_short_training_lowers_the_loss(name: str) -> None:
    family = next(family for family in FAMILIES if family.name == name)
    arrays, targets = family.samples(0.5, 64, seed=3)
    inputs, answers = tuple(map(torch.from_numpy, arrays)), torch.from_numpy(targets)
    losses = []
    for steps in (0, 80):
        with torch.no_grad():
            outputs = outputs_of(fitted(family, 0.5, steps), inputs)
            losses.append(float(family.loss(outputs, answers)))
    assert losses[1] < 0.8 * losses[0]
