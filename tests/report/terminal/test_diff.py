from __future__ import annotations

from quantbench.harness.records import Skipped
from quantbench.report.terminal.diff import compared
from quantbench.results.diff import side_by_side
from tests.report.builder import environment, results, row, rows, training
from tests.report.golden import check, rendered


def text_of(a, b, width=80):
    files = ("a/results.json", "b/results.json")
    return rendered(compared(side_by_side(a, b), files, (a, b)), width)


def later():
    """The same machine with another seed and another PyTorch."""
    float32, _, _, static, _ = rows()
    return results(
        float32,
        row("static", size=75_000, correct=9_880, loss=0.031, single=80.0, model=50.0,
            float_macs=0, settings={"observer": "minmax"}, numerics=static.numerics),
        row("qat", runtime="openvino", size=70_000),
        training=training().model_copy(update={"seed": 2}),
        environment=environment(versions={"quantbench": "0.1.0", "torch": "2.14.0"}),
        skipped=(Skipped(method="*", runtime="onnxruntime", reason="not installed"),),
    )  # fmt: skip


def test_looks_as_it_did():
    check("compared-80.txt", text_of(results(), later()))


def test_other_machines_and_images_look_as_they_did():
    elsewhere = environment(cpu="Example CPU 9001", instruction_sets=("avx2",), cores=4)
    b = later().model_copy(update={"environment": elsewhere, "splits": {"test": "1" * 64}})
    text = text_of(results(), b)
    check("compared-elsewhere-80.txt", text)
    for refused in ("1 image", "largest", "99.00", "0.0300", "40.0", "0.80×"):
        assert refused not in text


def test_a_file_beside_itself_claims_nothing():
    text = text_of(results(), results())
    assert "Nothing that the files record differs." in text
    assert "Only in" not in text
    assert not any(word in text for word in ("slower", "better", "worse", "p<", "p="))


def test_files_without_a_common_row():
    text = text_of(results(row("static")), results(row("qat")))
    assert "No row is in both." in text
    assert "Only in A" in text
    assert "Only in B" in text


def test_names_are_neither_markup_nor_control_characters():
    odd = row("[red]odd[/red]\x1b[2J", "a\nb", settings={"[b]x": "\x9b"})
    text = text_of(results(odd), results(odd.model_copy(update={"settings": {"[b]x": "y"}})), 120)
    assert "[red]odd[/red]?[2J" in text
    assert "a?b, [b]x" in text
    assert all(letter.isprintable() or letter == "\n" for letter in text)


def test_large_numbers_fit_80_columns():
    slow = row("static_uncalibrated", "onnxruntime", size=12_345_678, correct=1_000,
               loss=12.3456, single=23_456.0, model=1_234.0, wobble=0.3)  # fmt: skip
    text = text_of(results(slow), results(slow))
    assert max(map(len, text.splitlines())) <= 80
    for whole in ("static_uncalibrated", "12,345,678", "23,456", "1,234", "9.43–10.60"):
        assert whole in text


def test_what_is_missing_is_a_dash():
    fake = row(
        "fake", loss=None, score=None, score_reason="not finite", kind="simulated", latency=()
    )
    text = text_of(results(fake), results(fake))
    assert "–" in text
    assert "none is of the same batch and threads in both" in text
