"""Every file of runtimes/, on every artifact whose format it accepts."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact, load_artifact
from quantbench.errors import ArtifactError, QuantbenchError
from quantbench.export import engine as engine_module
from quantbench.studies.quantize import quantize
from quantbench.tasks.task import Task
from tests.process import python

METHODS = {name: plugins.method(name) for name in plugins.default_methods()}
ALL = [
    (model, method, format, runtime)
    for model in plugins.names("models")
    for method, module in METHODS.items()
    for format in module.FORMATS
    if format != "tflite"  # of files that came so; tests/runtimes/test_litert.py
    if model == "lenet" or method == "float32"
    for runtime in plugins.names("runtimes")
    if format in plugins.runtime(runtime).ACCEPTS
]
"""Quantized LeNets, and every model in float32; test_networks.py has other quantized networks."""

CHILD = """
import json, sys
from pathlib import Path
import numpy as np
from quantbench import plugins
from quantbench.artifacts.artifact import load_artifact

inputs = np.load("inputs.npy", allow_pickle=False)
for number, (runtime, folder) in enumerate(json.loads(sys.argv[1])):
    predict = plugins.runtime(runtime).load(load_artifact(Path(folder)), threads=1)
    np.save(f"{number}.npy", predict(inputs), allow_pickle=False)
"""

Logits = Callable[[tuple[str, str, str, str]], tuple[NDArray[np.float32], NDArray[np.float32]]]
Taken = Callable[[tuple[str, str, str, str]], Artifact | None]


def names(case: tuple[str, ...]) -> str:
    return "-".join(case)


@pytest.fixture(scope="session")
def taken(artifacts: Callable[[str, str, str], Artifact]) -> Taken:
    """Of each case: its artifact, or None where the runtime refuses it."""

    @cache
    def get(case: tuple[str, str, str, str]) -> Artifact | None:
        model, method, format, runtime = case
        artifact = artifacts(model, method, format)
        return None if plugins.why_refused(plugins.runtime(runtime), artifact) else artifact

    return get


def needed(artifact: Artifact | None) -> Artifact:
    if artifact is None:
        pytest.skip("the runtime refuses it")
    return artifact


@pytest.fixture(scope="session")
def logits(
    taken: Taken,
    tasks: Callable[[str], Task],
    tmp_path_factory: pytest.TempPathFactory,
) -> Logits:
    """Of each case: what this process and what a new one answers to the test images."""
    folder = tmp_path_factory.mktemp("new process")
    task = tasks("lenet")
    inputs = task.test.inputs()[0]
    np.save(folder / "inputs.npy", inputs, allow_pickle=False)
    made = {case: artifact for case in ALL if (artifact := taken(case))}
    asked = json.dumps([(case[3], str(artifact.folder)) for case, artifact in made.items()])
    child = python("-c", CHILD, asked, cwd=folder)
    assert child.returncode == 0, child.stderr
    assert child.stderr == ""

    def get(case: tuple[str, str, str, str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        artifact = needed(made.get(case))
        number = [*made].index(case)
        here = plugins.runtime(case[3]).load(load_artifact(artifact.folder), threads=1)
        return here(inputs), np.load(folder / f"{number}.npy", allow_pickle=False)

    return get


@pytest.mark.parametrize("name", plugins.names("runtimes"))
def test_what_it_offers(name: str) -> None:
    module = plugins.runtime(name)
    assert plugins.why_unavailable("runtimes", name) is None
    assert module.ACCEPTS
    assert module.LIBRARIES
    assert (name in plugins.default_runtimes()) == getattr(module, "DEFAULT", True)
    written = {format for method in METHODS.values() for format in method.FORMATS}
    assert (written if name != "null" else {"null"}) >= module.ACCEPTS


@pytest.mark.parametrize("case", ALL, ids=names)
def test_what_it_refuses_has_a_reason(
    artifacts: Callable[[str, str, str], Artifact], case: tuple[str, str, str, str]
) -> None:
    """In one line, and loading it is an error of ours, not a crash."""
    model, method, format, runtime = case
    module, artifact = plugins.runtime(runtime), artifacts(model, method, format)
    reason = plugins.why_refused(plugins.runtime(runtime), artifact)
    if reason is not None:
        assert len(reason.splitlines()) == 1
        with pytest.raises(QuantbenchError):
            module.load(artifact, 1)


@pytest.mark.parametrize("case", ALL, ids=names)
def test_it_answers_float32_of_every_image(logits: Logits, case: tuple[str, str, str, str]) -> None:
    here, _ = logits(case)
    assert here.dtype == np.float32
    assert here.shape == (200, 10)
    assert np.isfinite(here).all()


@pytest.mark.parametrize("case", ALL, ids=names)
def test_a_new_process_gives_the_same_bits(logits: Logits, case: tuple[str, str, str, str]) -> None:
    here, there = logits(case)
    assert here.tobytes() == there.tobytes()


@pytest.mark.parametrize("case", ALL, ids=names)
def test_the_network_has_learnt_and_survived(
    logits: Logits, tasks: Callable[[str], Task], case: tuple[str, str, str, str]
) -> None:
    """Guessing gives 10 %; the generated digits are easy, and 200."""
    here, _ = logits(case)
    accuracy = (here.argmax(1) == tasks("lenet").test.targets).mean()
    assert accuracy >= (0.8 if case[1] == "static_uncalibrated" else 0.97)


@pytest.mark.parametrize("case", ALL, ids=names)
def test_the_size_of_a_batch_does_not_change_the_answers(
    taken: Taken,
    tasks: Callable[[str], Task],
    case: tuple[str, str, str, str],
) -> None:
    model, method, _, runtime = case
    artifact = needed(taken(case))
    task = tasks(model)
    inputs = task.test.inputs()[0][:14]
    predict = plugins.runtime(runtime).load(artifact, 1)
    whole = predict(inputs)
    for batch in (1, 2, 7):
        parts = [predict(inputs[at : at + batch]) for at in range(0, len(inputs), batch)]
        assert [len(part) for part in parts] == [batch] * (14 // batch)
        assert np.array_equal(np.concatenate(parts).argmax(1), whole.argmax(1))
        if "dynamic" not in method:  # whose scales are those of the batch at hand
            np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", ALL, ids=names)
def test_its_input_is_left_as_it_was(
    taken: Taken,
    tasks: Callable[[str], Task],
    case: tuple[str, str, str, str],
) -> None:
    task = tasks(case[0])
    inputs = task.test.inputs()[0][:3]
    before = inputs.copy()
    predict = plugins.runtime(case[3]).load(needed(taken(case)), 1)
    first = predict(inputs)
    kept = first.copy()
    predict(inputs[::-1].copy())
    assert np.array_equal(inputs, before)
    assert np.array_equal(first, kept)


@pytest.mark.parametrize("model", plugins.names("models"))
def test_float32_is_the_same_network_in_every_runtime(
    logits: Logits, taken: Taken, model: str
) -> None:
    every = [logits(case)[0] for case in ALL if case[:2] == (model, "float32") and taken(case)]
    assert len(every) >= 4
    for other in every[1:]:
        np.testing.assert_allclose(other, every[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("engine", engine_module.engines())
@pytest.mark.parametrize("method", ["dynamic", "static", "static_uncalibrated"])
def test_torch_runs_the_engine_that_the_artifact_names(
    task: Task,
    tmp_path: Path,
    method: str,
    engine: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Weights are packed when they are loaded, for the engine that is selected then."""
    settings = METHODS[method].SETTINGS.model_validate({"engine": engine})
    artifact = quantize(task, method, settings, "state_dict", tmp_path)
    inputs = task.test.inputs()[0]
    monkeypatch.setattr(torch.backends.quantized, "engine", engine)  # put back at the end
    found = set()
    for selected in engine_module.engines():
        torch.backends.quantized.engine = selected
        found.add(plugins.runtime("torch").load(artifact, 1)(inputs).tobytes())
    assert len(found) == 1


def test_an_engine_that_is_not_here_is_named(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = METHODS["static"].SETTINGS.model_validate({"engine": "qnnpack"})
    artifact = quantize(task, "static", settings, "state_dict", tmp_path)
    monkeypatch.setattr(engine_module, "engines", lambda: ["x86"])
    with pytest.raises(ArtifactError, match="'qnnpack' isn't in this build of PyTorch") as caught:
        plugins.runtime("torch").load(artifact, 1)
    assert len(str(caught.value).splitlines()) == 1


def test_loading_asks_for_the_folder_alone(
    artifacts: Callable[[str, str, str], Artifact], tmp_path: Path, tasks: Callable[[str], Task]
) -> None:
    """An artifact that was moved still runs."""
    stored = artifacts("lenet", "static", "state_dict")
    moved = tmp_path / "elsewhere é"
    moved.mkdir()
    for path in stored.folder.iterdir():
        (moved / path.name).write_bytes(path.read_bytes())
    inputs = tasks("lenet").test.inputs()[0][:5]
    answers = [
        plugins.runtime("torch").load(load_artifact(folder), 1)(inputs)
        for folder in (stored.folder, moved)
    ]
    assert answers[0].tobytes() == answers[1].tobytes()
