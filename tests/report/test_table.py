from __future__ import annotations

import pytest

from quantbench.records import Skipped
from quantbench.report.table import comparison, unstable

from .builder import environment, latency, results, row
from .golden import check, rendered


@pytest.mark.parametrize("width", [80, 120])
def test_looks_as_it_did(width):
    check(f"table-{width}.txt", rendered(comparison(results()), width))


@pytest.mark.parametrize("width", [80, 120])
def test_fits_and_nothing_is_cut(width):
    text = rendered(comparison(results()), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for name in ("static_uncalibrated", "onnxruntime", "120 / 20, p<0.001", "97.71–98.26"):
        assert name in text


def test_large_numbers_fit_80_columns():
    slow = row(
        "static_uncalibrated",
        "onnxruntime",
        size=123_456_789,
        correct=1_000,
        lost=8_900,
        gained=1_000,
        loss=12.3456,
        single=123_456.0,
        model=12_345.0,
        end_to_end=23_456.0,
        wobble=0.3,
        baseline=row(single=4_000.0, model=400.0, end_to_end=800.0),
    )
    text = rendered(comparison(results(slow)), 80)
    assert max(map(len, text.splitlines())) <= 80
    for whole in ("static_uncalibrated", "123,456,789", "8900 / 1000, p<0.001", "! 123,456"):
        assert whole in text


def test_names_and_notes_are_not_markup():
    odd = row("[red]odd[/red]", numerics="[/]", notes=("[bold]note[/bold] :smile:",))
    skipped = Skipped(method="[b]x", runtime="y[/b]", reason="[link=http://a]z")
    text = rendered(comparison(results(odd, skipped=(skipped,))), 120)
    for literal in ("[red]odd[/red]", "[/]", "[bold]note[/bold] :smile:", "[b]x on y[/b]"):
        assert literal in text
    assert "[link=http://a]z" in text


def test_a_long_name_is_folded_not_cut():
    name = "a_method_with_a_very_long_name_" * 2
    text = rendered(comparison(results(row(name))), 80)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_is_missing_is_a_dash():
    simulated = row("fake", loss=None, loss_reason="not finite", kind="simulated", latency=())
    text = rendered(comparison(results(simulated)), 120)
    assert "simulated: integer kernels never ran" in text
    assert "no loss: not finite" in text
    assert "–" in text


def test_busy_threads_make_a_row_unstable():
    assert unstable(row(busy_threads=1.2)) == ()
    assert "1.9 processors" in unstable(row(busy_threads=1.9))[0]


def test_rounds_that_vary_make_a_row_unstable():
    calm = latency("model", 1, 100.0, wobble=0.09)
    wild = latency("end_to_end", 1000, 100.0, wobble=0.15)
    assert unstable(row(latency=(calm,))) == ()
    assert unstable(row(latency=(calm, wild))) == ("rounds varied by 30% at batch 1000, with data",)


@pytest.mark.parametrize(
    ("lost", "gained", "word"),
    [(0, 0, "no difference shown"), (40, 10, "worse"), (10, 40, "better")],
)
def test_verdict_follows_the_discordant_images(lost, gained, word):
    text = rendered(comparison(results(row("x", lost=lost, gained=gained, baseline=row()))), 80)
    assert word in text


@pytest.mark.parametrize(
    ("architecture", "sets", "words"),
    [
        ("x86_64", ("avx2", "avx512f", "avx512_vnni"), "AVX-512 with VNNI"),
        ("x86_64", ("avx2",), "AVX2 without VNNI"),
        ("x86_64", ("avx2", "avx_vnni"), "AVX2 with VNNI"),
        ("x86_64", (), "no AVX without VNNI"),
        ("aarch64", ("asimd", "asimddp"), "8-bit dot product"),
        ("aarch64", ("asimd",), "no 8-bit dot product"),
    ],
)
def test_says_what_the_cpu_has(architecture, sets, words):
    here = environment(architecture=architecture, instruction_sets=sets)
    assert words in rendered(comparison(results(environment=here)), 80)
