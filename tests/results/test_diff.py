from __future__ import annotations

import pytest

from quantbench.harness.records import Skipped
from quantbench.results.diff import Difference, side_by_side
from tests.formats import INT8_TENSOR, UINT8, numerics
from tests.report.builder import environment, latency, results, row, training

MACHINES = [
    ({"cpu": "Another CPU"}, "CPU"),
    ({"architecture": "aarch64"}, "architecture"),
    ({"instruction_sets": ("sse4_2", "avx", "avx2", "avx512f")}, "instruction sets"),
    ({"cores": 4}, "usable cores"),
    ({"memory_bytes": 16 << 30}, "memory"),
    ({"cpu": "Another CPU", "memory_bytes": 1}, "CPU, memory"),
]


def test_a_file_beside_itself() -> None:
    comparison = side_by_side(results(), results())
    assert (
        comparison.differences
        == comparison.versions
        == comparison.only_a
        == comparison.only_b
        == ()
    )
    assert comparison.no_scores is comparison.no_times is None
    assert [pair.a for pair in comparison.pairs] == list(results().rows)
    assert all(pair.a == pair.b for pair in comparison.pairs)
    assert all(
        t and t.ratio == 1 for pair in comparison.pairs for t in (pair.batch1, pair.largest_batch)
    )


@pytest.mark.parametrize(("change", "word"), MACHINES, ids=lambda value: str(value)[:30])
def test_times_of_different_machines_are_not_given(change: dict[str, object], word: str) -> None:
    comparison = side_by_side(results(), results(environment=environment(**change)))
    assert comparison.no_times == word
    assert len(comparison.pairs) == 5
    assert all(pair.batch1 is pair.largest_batch is None for pair in comparison.pairs)
    assert comparison.no_scores is None
    assert comparison.differences


@pytest.mark.parametrize(
    "change",
    [{"memory_bytes": (8 << 30) - (50 << 20)}, {"system": "Linux 6.1"}, {"governor": "powersave"},
     {"load": 0.9}, {"load": 5.0}, {"python": "3.12.0"}, {"versions": {"torch": "2.14.0"}}],
)  # fmt: skip
def test_the_same_machine_may_have_changed(change: dict[str, object]) -> None:
    comparison = side_by_side(results(), results(environment=environment(**change)))
    assert comparison.no_times is None
    assert all(pair.batch1 and pair.largest_batch for pair in comparison.pairs)
    assert bool(comparison.differences) == (change != {"load": 0.9})


def test_a_ratio_is_of_the_same_batch_and_threads() -> None:
    times = [latency("model", 1, 100.0), latency("model", 1, 70.0, threads=2),
             latency("model", 64, 50.0), latency("model", 1000, 40.0),
             latency("end_to_end", 2000, 60.0)]  # fmt: skip
    halved = [latency(t.kind, t.batch, t.median / 2, threads=t.threads) for t in times]
    for left, right, batch1, largest in (
        (times, halved, (1, 1), (1000, 1)),
        (times[:3], halved, (1, 1), (64, 1)),
        (times[1:], halved, (1, 2), (1000, 1)),
        (times[:2], halved[2:], None, None),
        ((), halved, None, None),
    ):
        (pair,) = side_by_side(
            results(row(latency=left)), results(row(latency=right), row("static"))
        ).pairs
        for pair_times, cell in ((pair.batch1, batch1), (pair.largest_batch, largest)):
            assert (pair_times and (pair_times.a.batch, pair_times.a.threads)) == cell
            assert pair_times is None or pair_times.ratio == pytest.approx(2)


@pytest.mark.parametrize("splits", [({"test": "1"}, {"test": "2"}), ({}, {}), ({"test": "1"}, {})])
def test_accuracy_on_other_images_is_refused(
    splits: tuple[dict[str, str], dict[str, str]],
) -> None:
    a, b = (results(splits=each) for each in splits)
    assert side_by_side(a, b).no_scores


def test_other_training_images_are_a_difference_alone() -> None:
    a, b = (results(splits={"test": "1", "train": name}) for name in "ab")
    comparison = side_by_side(a, b)
    assert comparison.no_scores is None
    assert comparison.differences == (Difference("train split, SHA-256", "a", "b"),)


def test_what_differs_is_said_in_words() -> None:
    one = results(row("static", settings={"images": 1000, "observer": "histogram"}))
    other = results(
        row(
            "static",
            settings={"images": 500, "observer": "histogram"},
            numerics=numerics(INT8_TENSOR, UINT8),
        ),
        row("dynamic"),
        training=training().model_copy(update={"seed": 2, "settings": {"batch": 64}}),
        network_sha256="1" * 64,
        environment=environment(
            versions={"quantbench": "0.1.0", "torch": "2.14.0", "openvino": "2026.4"},
            governor="performance",
            instruction_sets=("sse4_2", "avx", "avx2", "avx512f", "amx_int8"),
            load=1.5,
        ),
    )
    found = side_by_side(one, other)
    assert found.differences == (
        Difference("seed", "1", "2"),
        Difference("training, epochs", "3", "none"),
        Difference("network, SHA-256", "000000000000", "111111111111"),
        Difference("governor", "none", "performance"),
        Difference("instruction sets only there", "avx512_vnni", "amx_int8"),
        Difference("load at start", "0.1", "1.5"),
        *found.versions,
        Difference(
            "static on torch, numerics", "float32", "weights int8 per tensor, activations uint8"
        ),
        Difference("static on torch, images", "1000", "500"),
    )
    assert found.versions == (
        Difference("version of torch", "2.13.0", "2.14.0"),
        Difference("version of onnxruntime", "1.32.0", "none"),
        Difference("version of openvino", "none", "2026.4"),
    )


def test_a_row_that_only_one_has_is_given_with_the_reason() -> None:
    a = results(row(), row("qat", "openvino"), skipped=())
    b = results(
        row(), row("static"), skipped=(Skipped(method="*", runtime="openvino", reason="broken"),)
    )
    comparison = side_by_side(a, b)
    assert [pair.a.method for pair in comparison.pairs] == ["float32"]
    assert [(x.row.method, x.reason) for x in comparison.only_a] == [("qat", "broken")]
    assert [(x.row.method, x.reason) for x in comparison.only_b] == [("static", None)]
