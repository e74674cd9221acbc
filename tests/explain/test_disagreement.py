"""The samples whose answers changed, with outputs that are worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from quantbench.explain.disagreement import are_probabilities, disagreements
from quantbench.explain.kept_outputs import kept_outputs
from quantbench.explain.records import Disagreement
from quantbench.explain.subject import Subject
from quantbench.harness.arrays import write_batches
from quantbench.harness.evaluate import Evaluation
from quantbench.results.records import Row
from quantbench.samples.records import Array, Samples
from quantbench.system.store import path_for, save
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.task import Task
from tests.report import builder

FLOAT = np.array([[4, 0, 0], [0, 3, 1], [0, 1, 1.5], [2, 0, 1], [0, 0, 5.0]])
QUANTIZED = np.array([[4, 0, 0], [0, 1, 3], [0, 1.2, 1], [2, 0, 1], [1, 0, 3.0]])
TARGETS = np.array([0, 1, 1, 1, 2])
FLOAT32, STATIC = "float32 on torch", "static on torch"


def subject(out: Path, targets: Array | None, metric: str = "accuracy") -> Subject:
    """A study of five samples with two rows, float32 and static."""
    float32 = builder.row()
    rows = (float32, builder.row("static", numerics=float32.numerics, baseline=float32))
    results = builder.results(rows=rows, sample="sample")
    results = results.model_copy(
        update={"metric": results.metric.model_copy(update={"name": metric})}
    )
    network = Network("n", (TensorSpec(name="x", shape=(2,)),), (), "0" * 64)
    samples = Samples("test", (np.zeros((5, 2), np.float32),), targets)
    task = Task(network, "data", samples, samples, classes=("cat", "dog"))
    return Subject(task, results, out, out)


def found(
    out: Path, quantized: Array, float32: Array, targets: Array | None, metric: str = "accuracy"
) -> Disagreement:
    outputs = {FLOAT32: (float32,), STATIC: (quantized,)}
    (record,) = disagreements(subject(out, targets, metric), outputs)
    assert record.row == STATIC
    return record


def test_changed_answers_by_sample_and_by_class(tmp_path: Path) -> None:
    record = found(tmp_path, QUANTIZED, FLOAT, TARGETS)
    assert (record.samples, record.changed) == (5, 2)
    assert (record.only_float_right, record.only_this_right) == (1, 1)
    sure = softmax(FLOAT, 1)
    assert record.float_probability_of_changed == pytest.approx(np.median([sure[1, 1], sure[2, 2]]))
    first, second = record.examples  # the surest answer that fell comes first
    assert (first.index, first.target, first.float_answer, first.answer) == (1, 1, 1, 2)
    assert first.float_probability == pytest.approx(sure[1, 1])
    assert first.probability == pytest.approx(softmax(QUANTIZED, 1)[1, 2])
    assert second.index == 2
    assert record.confusion == ((1, 0, 0), (1, 1, 1), (0, 0, 1))
    assert [(c.label, c.samples, c.float_right, c.right) for c in record.classes] == [
        ("cat", 1, 1, 1),
        ("dog", 3, 1, 1),
        ("2", 1, 1, 1),
    ]


def test_probabilities_are_taken_as_they_are(tmp_path: Path) -> None:
    sure = softmax(FLOAT, 1)
    record = found(tmp_path, softmax(QUANTIZED, 1), sure, TARGETS)
    assert record.examples[0].float_probability == pytest.approx(sure[1, 1])
    assert are_probabilities(np.round(sure * 255) / 255)
    assert not are_probabilities(FLOAT)


def test_without_targets_answers_are_still_compared(tmp_path: Path) -> None:
    record = found(tmp_path, QUANTIZED, FLOAT, None, "agreement")
    assert (record.changed, record.classes, record.confusion) == (2, (), ())
    assert record.examples[0].target is None


def test_no_matrix_of_many_classes(tmp_path: Path) -> None:
    many = np.eye(5, 101)
    record = found(tmp_path, many[::-1], many, TARGETS)
    assert (record.changed, record.classes, record.confusion) == (4, (), ())


def test_examples_are_bounded_and_nothing_changed_is_said(tmp_path: Path) -> None:
    assert found(tmp_path, FLOAT, FLOAT, TARGETS).float_probability_of_changed is None
    many = np.tile(np.eye(2), (40, 1))
    outputs = {FLOAT32: (many,), STATIC: (many[:, ::-1],)}
    study = subject(tmp_path, None, "agreement")
    (record,) = disagreements(study, outputs)
    assert (record.changed, len(record.examples)) == (80, 24)


def test_the_images_of_one_row_come_with_pictures(tmp_path: Path) -> None:
    study = subject(tmp_path, TARGETS)
    images = np.zeros((5, 1, 8, 8), np.float32)
    task = replace(study.task, test=replace(study.task.test, stored=(images,)))
    rows = (*study.results.rows, builder.row("dynamic", baseline=study.results.rows[0]))
    results = study.results.model_copy(update={"rows": rows, "sample": "image"})
    pictured = replace(study, task=task, results=results)
    outputs = {FLOAT32: (FLOAT,), STATIC: (QUANTIZED,), "dynamic on torch": (QUANTIZED,)}
    first, second = disagreements(pictured, outputs)
    assert all(each.picture for each in first.examples)
    assert not any(each.picture for each in second.examples)
    numbers = replace(pictured, results=results.model_copy(update={"sample": "sample"}))
    assert not any(e.picture for x in disagreements(numbers, outputs) for e in x.examples)


def test_numbers_differ_by_sample(tmp_path: Path) -> None:
    expected = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    given = expected.copy()
    given[3] += 0.5
    given[1, 0] += 0.1
    record = found(tmp_path, given, expected, expected.copy(), "mean_squared_error")
    assert [sample.index for sample in record.differing] == [3, 1]
    spread = np.sqrt(np.square(expected - expected.mean(0)).mean())
    assert record.differing[0].difference == pytest.approx(0.5 / spread, rel=1e-5)
    assert (record.changed, record.examples) == (2, ())


def test_a_class_for_each_pixel_is_compared_by_sample(tmp_path: Path) -> None:
    expected = np.zeros((5, 3, 2, 2))
    given = expected.copy()
    given[2, 1] = 1
    record = found(tmp_path, given, expected, np.zeros((5, 2, 2), np.int64))
    assert [sample.index for sample in record.differing] == [2]


def kept(out: Path, row: Row, test: str, outputs: Array) -> None:
    """Store outputs as the harness does."""
    row_inputs = {"artifact": row.artifact_sha256, "runtime": row.runtime}
    inputs = {"row": row_inputs, "test": test}

    def fill(folder: Path) -> Evaluation:
        write_batches(folder, "output", [(outputs,)], len(outputs))
        return Evaluation(samples=len(outputs))

    path = path_for(out / "evaluations", f"{row.method}-{row.runtime}", inputs)
    save(path, "evaluation", inputs, fill)


def test_outputs_are_read_from_the_studys_evaluations(tmp_path: Path) -> None:
    study = subject(tmp_path, TARGETS)
    float32, static = study.results.rows[:2]
    test = study.task.test.sha256
    kept(tmp_path, float32, test, FLOAT)
    kept(tmp_path, static, "f" * 64, FLOAT)  # of other samples
    assert kept_outputs(study).keys() == {FLOAT32}
    assert disagreements(study) == ()
    kept(tmp_path, static, test, QUANTIZED)
    np.testing.assert_array_equal(kept_outputs(study)[STATIC][0], QUANTIZED)
    (record,) = disagreements(study)
    assert record.changed == 2


def test_a_damaged_evaluation_is_as_good_as_none(tmp_path: Path) -> None:
    study = replace(subject(tmp_path, TARGETS))
    kept(tmp_path, study.results.rows[0], study.task.test.sha256, FLOAT)
    (stored,) = tmp_path.glob("evaluations/*/output-0.npy")
    stored.write_bytes(stored.read_bytes()[:-1] + b"!")
    assert kept_outputs(study) == {}
