"""Artifacts that run and don't, on real runtimes in worker processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.state_file import STATE
from quantbench.harness import trial
from quantbench.harness.trial import (
    SAMPLES,
    Trials,
    far_from,
)
from quantbench.runtimes.null import Fault, Null, save_null
from quantbench.studies.named import runtime_named
from quantbench.studies.usable import why_unusable
from quantbench.system.machine import environment
from quantbench.system.store import save
from quantbench.tasks.records import Training
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, with_weights

EXPECTED = np.random.default_rng(1).normal(size=(SAMPLES, 10)).astype(np.float32)


def noisy(ratio: float) -> np.ndarray:
    """What differs from EXPECTED by noise of `ratio` times its spread."""
    noise = np.random.default_rng(2).normal(size=EXPECTED.shape)
    return (EXPECTED + ratio * noise).astype(np.float32)


@pytest.mark.parametrize(
    "answers", [EXPECTED, noisy(0.9), 3 * EXPECTED + 7], ids=["same", "noise", "scaled"]
)
def test_what_shares_most_of_its_variance_is_near(answers: np.ndarray) -> None:
    assert np.corrcoef(answers.ravel(), EXPECTED.ravel())[0, 1] ** 2 > 0.5
    assert far_from(answers, EXPECTED) is None


@pytest.mark.parametrize(
    "answers",
    [noisy(1.2), -EXPECTED, np.zeros_like(EXPECTED), np.roll(EXPECTED, 1, axis=0)],
    ids=["noise", "negated", "constant", "of another sample"],
)
def test_what_is_more_noise_than_answer_is_far(answers: np.ndarray) -> None:
    reason = far_from(answers, EXPECTED)
    assert reason is not None
    assert reason.startswith(f"its answers to {SAMPLES} calibration samples are far from float32's")


def test_nothing_is_claimed_of_a_network_that_answers_everything_alike() -> None:
    constant = np.ones_like(EXPECTED)
    assert far_from(constant + np.float32(0.01), constant) is None


@pytest.fixture
def trials(task: Task, tmp_path: Path) -> Trials:
    return Trials(task, tmp_path / "trials", tmp_path, environment(), timeout=60)


@pytest.mark.parametrize("method", ["dynamic", "static", "static_uncalibrated"])
def test_what_runs_near_float_is_taken(
    task: Task,
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
    method: str,
) -> None:
    """The source report's rows, the uncalibrated one among them."""
    artifact = artifacts("lenet", method, "state_dict")
    assert why_unusable(task, artifact, tmp_path) is None


def test_what_answers_something_else_has_no_row(trials: Trials, tmp_path: Path) -> None:
    """The null runtime answers class 0 to all."""
    artifact = save_null(tmp_path, "static", Null())
    with trials:
        (skipped,) = trials.failures(artifact, [runtime_named("null")]).values()
    assert (skipped.method, skipped.runtime, skipped.failed) == ("static", "null", False)
    assert skipped.reason.startswith(
        f"on null, its answers to {SAMPLES} calibration samples are far from"
    )


@pytest.mark.parametrize(
    ("fault", "words", "failed"),
    [
        ("raise", "raised RuntimeError: the null runtime was told to fail", False),
        ("nan", "gave values that aren't finite for 1 of a batch of 1, first for sample 0", False),
        ("crash", "was killed by SIGSEGV", True),
    ],
)
def test_what_can_not_run_says_so_in_its_own_words(
    trials: Trials, tmp_path: Path, fault: Fault, words: str, failed: bool
) -> None:
    artifact = save_null(tmp_path, "static", Null(fault=fault))
    with trials:
        (skipped,) = trials.failures(artifact, [runtime_named("null")]).values()
    assert skipped.reason.startswith(words)
    assert skipped.failed == failed


def test_outcomes_are_kept_but_for_a_death(
    trials: Trials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = save_null(tmp_path, "static", Null(fault="raise"))
    dead = save_null(tmp_path, "dynamic", Null(fault="crash"))
    with trials:
        first = trials.failures(bad, [runtime_named("null")])
        trials.failures(dead, [runtime_named("null")])
        assert (
            trials.failures(bad, [runtime_named("null")]) == first
        )  # the worker was started again
    kept = [path.name.rpartition("-")[0] for path in (tmp_path / "trials").iterdir()]
    assert kept == ["static-null-null"]

    def forbidden(*args: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(trial, "Worker", forbidden)
    with trials:
        assert trials.failures(bad, [runtime_named("null")]) == first


def test_one_runtime_that_answers_is_enough_and_that_which_can_not_is_out(
    trials: Trials,
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
) -> None:
    artifact = artifacts("lenet", "static", "state_dict")
    with trials:
        failures = trials.failures(
            artifact, [runtime_named(name) for name in ("executorch", "torch", "torch_compile")]
        )
    assert [*failures] == ["executorch"]


def test_test_images_are_never_seen(
    task: Task,
    checkpoint: Checkpoint,
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
) -> None:
    assert (
        why_unusable(task.without_test(), artifacts("lenet", "static", "state_dict"), tmp_path)
        is None
    )


def test_a_state_of_other_weights_is_far(
    task: Task,
    checkpoint: Checkpoint,
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
) -> None:
    """float32 itself is tried as the others are."""
    from quantbench.artifacts.state_file import read_state, write_state

    state = read_state(checkpoint.folder / STATE)

    def fill(folder: Path) -> Training:
        mixed = dict(state) | {"classifier.2.weight": state["classifier.2.weight"].flip(0)}  # type: ignore[attr-defined]
        write_state(folder / STATE, mixed)
        return checkpoint.body

    other = save(tmp_path / "other", "checkpoint", checkpoint.inputs, fill)
    mixed_up = with_weights(task, other)
    float32 = artifacts("lenet", "float32", "state_dict")
    reason = why_unusable(mixed_up, float32, tmp_path / "trials")
    assert reason is not None
    assert "far from float32's" in reason
    (manifest,) = (tmp_path / "trials").glob("*/manifest.json")
    assert json.loads(manifest.read_text())["body"]["answered"]
