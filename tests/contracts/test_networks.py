"""Every method on small networks of every kind: near float32 on each runtime, or one reason."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.errors import CalibrationError, PredictionError, UnavailableError
from quantbench.samples.records import Array
from quantbench.studies.quantize import quantize
from quantbench.tasks.layers import layers, tensors
from quantbench.tasks.task import Task
from tests import networks

AWAY = 0.25
"""Root mean square of the error over the spread of float32's answers; a wrong layer gives 1."""
SLOW = ("pt2", "executorch")
"""Formats whose compilers take seconds for each network."""
CASES = [
    pytest.param(
        name, method, format, marks=[pytest.mark.slow] if format in SLOW or "_" in method else []
    )
    for name in networks.NETWORKS
    for method in plugins.default_methods()
    for format in plugins.method(method).FORMATS
]
COMPILED = {
    "features": "pt2e_static", "signal": "float32", "two_inputs": "pt2e_static",
    "two_outputs": "float32", "residual": "float32", "tokens": "pt2e_static",
}  # fmt: skip
"""The method whose program PyTorch's compiler compiles: once for each network, which takes 20 s."""
ANSWERED = [
    case
    for case in CASES
    for name, method, format in (case.values,)
    if format != "pt2" or COMPILED.get(str(name), method) == method
]
"""The cases whose artifacts are run: PyTorch's compiler alone takes a .pt2 file."""
REFUSED = {
    ("branching", "float32", "state_dict"),
    ("branching", "float32", "pt2"),
    ("branching", "float32", "onnx"),
    ("branching", "static", "state_dict"),
    ("branching", "dynamic", "state_dict"),
}
"""What is known to be refused: a network whose code asks for values can't be traced."""

Outcome = Artifact | str
"""An artifact, or why there is none."""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str, str], Outcome]:
    @cache
    def task(name: str) -> Task:
        network = networks.small(name)
        samples = networks.calibration(network)
        return Task(network, "random", samples, samples.part(0, 20), samples)

    @cache
    def make(name: str, method: str, format: str) -> Outcome:
        folder = tmp_path_factory.mktemp("artifacts")
        try:
            return quantize(task(name), method, plugins.method(method).SETTINGS(), format, folder)
        except (UnavailableError, CalibrationError) as error:
            return str(error)

    return make


def expected(name: str) -> tuple[list[Array], list[Array]]:
    """Ten samples, and what the float network answers to them."""
    network = networks.small(name)
    inputs = [*networks.calibration(network).inputs(0, 10)]
    with torch.inference_mode():
        answers = network.module()(*map(torch.from_numpy, inputs))
    return inputs, [tensor.numpy() for tensor in tensors(answers)]


def away(answer: Array, wanted: Array) -> float:
    spread = np.sqrt(((wanted - wanted.mean(0)) ** 2).mean())
    return float(np.sqrt(((answer - wanted) ** 2).mean()) / spread)


@pytest.mark.parametrize(("name", "method", "format"), ANSWERED)
def test_it_answers_near_float32_or_has_one_reason(
    outcome: Callable[[str, str, str], Outcome], name: str, method: str, format: str
) -> None:
    artifact = outcome(name, method, format)
    if isinstance(artifact, str):
        assert len(artifact.splitlines()) == 1
        assert len(artifact) < 500
        return
    assert (name, method, format) not in REFUSED
    inputs, wanted = expected(name)
    ran = 0
    for runtime in plugins.names("runtimes"):
        module = plugins.runtime(runtime)
        if format not in module.ACCEPTS or plugins.why_refused(module, artifact):
            continue
        predict = module.load(artifact, 1)
        for size in (10, 3):
            try:
                answer = predict(*(array[:size] for array in inputs))
            except PredictionError:  # ExecuTorch lowers a recurrent layer, but not runs it
                assert (name, runtime) == ("tokens", "executorch")
                return
            outputs = answer if isinstance(answer, tuple) else (answer,)
            assert [o.shape for o in outputs] == [(size, *w.shape[1:]) for w in wanted]
            if method != "static_uncalibrated":
                assert max(map(away, outputs, (w[:size] for w in wanted))) < AWAY, runtime
        ran += 1
    assert ran


@pytest.mark.parametrize(("name", "method", "format"), CASES)
def test_every_layer_is_told(
    outcome: Callable[[str, str, str], Outcome], name: str, method: str, format: str
) -> None:
    artifact = outcome(name, method, format)
    if isinstance(artifact, str):
        return
    network = networks.small(name)
    told = artifact.body.quantized
    assert {layer.name: layer.macs for layer in told.layers} == {
        layer.name: layer.macs for layer in layers(network.module(), network.inputs) if layer.macs
    }
    assert all(bool(layer.reason) != layer.integer for layer in told.layers)
    recurrent = [layer for layer in told.layers if layer.kind == "GRU"]
    assert not any(layer.integer for layer in recurrent)


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_no_trace_holds_is_refused_with_its_layer_or_line(
    outcome: Callable[[str, str, str], Outcome], case: tuple[str, str, str]
) -> None:
    assert isinstance(outcome(*case), str)


@pytest.mark.parametrize("method", ["static", "float32", "ort_static", "xnnpack_static"])
def test_global_state_is_left_as_it_was(tmp_path: Path, method: str) -> None:
    network = networks.small("features")
    samples = networks.calibration(network)
    task = Task(network, "random", samples, samples)

    def state() -> tuple[object, ...]:
        random = torch.random.get_rng_state().numpy().tobytes()
        engine = torch.backends.quantized.engine
        return random, engine, torch.get_num_threads(), torch.get_default_dtype()

    before = state()
    module = plugins.method(method)
    quantize(task, method, module.SETTINGS(), module.FORMATS[-1], tmp_path)
    assert state() == before


@pytest.fixture
def residual_notes(outcome: Callable[[str, str, str], Outcome]) -> tuple[str, ...]:
    artifact = outcome("residual", "static", "state_dict")
    assert not isinstance(artifact, str)
    return artifact.body.quantized.notes


def test_layers_are_quantized_by_themselves_where_functions_stand_between(
    residual_notes: tuple[str, ...],
) -> None:
    assert residual_notes[1].startswith("each layer is quantized by itself")
    assert "aten::add" in residual_notes[1]
