from __future__ import annotations

import pytest

from quantbench.harness.noise import Block, Noise
from quantbench.report.circumstances import machine_line
from quantbench.results.recommend import with_recommendations
from tests.report.builder import environment, noise, results, row


def quantized(**changes):
    fields = {"float_macs": 0, "baseline": row(), "size": 75_000}
    return row("static", **(fields | changes))


def test_says_all_that_is_known():
    """Blocks at 99, 100 and 101 %: the middle half spans 2 %, and each ratio is known to 3 %."""
    assert machine_line(results()) == (
        "Machine: load 0.1 at the start; the fastest float32's blocks spread by 2%, 1 of 10 blocks "
        "dropped for stolen time; 1 start of 4 rows, whose ratios are known to within 3.0% "
        "(median); pinned to processor 1."
    )


def test_where_nothing_is_known_it_says_so():
    study = results(environment=environment(load=None), noise=Noise(), data_loading=None)
    empty = with_recommendations(study.model_copy(update={"rows": ()}))
    assert machine_line(empty) == "Machine: its load isn't known."


@pytest.mark.parametrize(("load", "told"), [(1.0, False), (1.46, True)])
def test_a_busy_machine_is_named(load, told):
    line = machine_line(results(environment=environment(load=load)))
    assert (f"load {load:.1f} at the start (other programs ran);" in line) == told


def test_no_block_dropped_and_two_processors():
    kept = Block(start=0, seconds=1.0, stolen=0.0, megahertz=None)
    line = machine_line(results(noise=noise(blocks=(kept,), processors=(0, 2))))
    assert ", none of 1 block dropped for stolen time;" in line
    assert line.endswith("pinned to processors 0 and 2.")


def test_rows_that_were_started_again_are_counted_apart():
    """Six equal starts know a ratio to its floor of 1 %."""
    again = quantized(starts=6, wobble=0.0)
    fast = row(runtime="onnxruntime", single=40.0, model=25.0, end_to_end=45.0)
    line = machine_line(results(row(), fast, quantized(single=300.0), again))
    assert "; 6 starts of 1 row, whose ratios are known to within 1.0% (median);" in line
