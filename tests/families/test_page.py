"""The page of networks says of each method on each runtime what was found."""

from __future__ import annotations

from pathlib import Path

from benchmarks.networks import Plan, walk
from benchmarks.networks_page import Cell, Walk, page
from quantbench.numerics.coverage import Coverage
from quantbench.studies.choose import choose_methods, choose_runtimes
from quantbench.system.machine import environment
from tests.families import mlp


def covered(method: str, runtime: str, integer: int, in_float: int) -> Cell:
    coverage = Coverage(integer_macs=integer, float_macs=in_float)
    return Cell(method=method, runtime=runtime, coverage=coverage)


MLP = Walk(
    family="MLP",
    parameters=2345,
    macs=1000,
    cells=(
        covered("dynamic", "torch", 999, 1),
        covered("float32", "torch", 0, 1000),
        covered("ort_dynamic", "onnxruntime", 1, 999),
        covered("ort_static", "onnxruntime", 1000, 0),
        covered("ort_static", "openvino", 1000, 0),
        covered("pt2e_static", "torch_compile", 500, 500),
        Cell(method="static", runtime="torch", reason="no kernel for a|b", failed=True),
        Cell(method="nncf_static", runtime="*", reason="nothing to quantize"),
        Cell(method="*", runtime="executorch", reason="it isn't installed"),
    ),
)


def lines() -> list[str]:
    walks = [MLP, Walk(family="ViT-Ti/16", failure="the split is empty")]
    command, machine = "python -m benchmarks.networks", "quantbench 1 on a CPU"
    return page(walks, command, machine, ["torch_compile"], ["GRU", "LSTM"]).splitlines()


def test_a_cell_is_the_share_on_integers_and_all_of_it_only_where_all_is() -> None:
    assert "| method | executorch | onnxruntime | openvino | torch | torch_compile |" in lines()
    assert "| dynamic | no [1] | – | – | 99 % | – |" in lines()
    assert "| float32 | no [1] | – | – | float32 | – |" in lines()
    assert "| ort_static | no [1] | 100 % | 100 % | – | – |" in lines()
    assert "| ort_dynamic | no [1] | < 1 % | – | – | – |" in lines()


def test_what_was_read_but_not_run_has_a_star() -> None:
    assert "| pt2e_static | no [1] | – | – | – | 50 %\\* |" in lines()


def test_each_reason_stands_once_in_the_list() -> None:
    assert "| nncf_static | no [2] | no [2] | no [2] | no [2] | no [2] |" in lines()
    assert "| static | no [1] | – | – | fails [3] | – |" in lines()
    assert lines()[lines().index("## Reasons") + 1 :] == [
        "1. it isn't installed",
        "2. nothing to quantize",
        "3. no kernel for a\\|b",
    ]


def test_the_summary_has_the_best_share_and_the_number_of_runtimes() -> None:
    methods = "dynamic | nncf_static | ort_dynamic | ort_static | pt2e_static | static"
    assert f"| network | parameters | multiply-adds | {methods} |" in lines()
    row = "99 % (1) | no | < 1 % (1) | 100 % (2) | 50 % (1) | no"
    assert f"| [MLP](#mlp) | 2,345 | 1,000 | {row} |" in lines()
    assert "| [ViT-Ti/16](#vit-ti16) | 0 | 0 | no | no | no | no | no | no |" in lines()


def test_networks_that_were_not_walked_are_named() -> None:
    assert "Not on this page yet: GRU, LSTM." in lines()
    assert not any("Not on this page" in line for line in page([MLP], "", "").splitlines())


def test_a_network_of_which_nothing_is_quantized_says_why() -> None:
    text = lines()
    assert text[text.index("## ViT-Ti/16") + 1] == "Nothing was quantized: the split is empty"


def test_a_walk_reads_the_share_from_each_file(tmp_path: Path) -> None:
    plan = Plan(
        width=0.25,
        steps=4,
        methods=choose_methods(("ort_static",), {}),
        runtimes=choose_runtimes(("onnxruntime", "torch_compile")),
        machine=environment(),
        with_inductor=False,
    )
    result = walk(mlp.FAMILY, plan, tmp_path)
    assert (result.family, result.parameters, result.macs) == ("MLP", 676, 640)
    shares = {
        (cell.method, cell.runtime): cell.coverage.integer_macs
        for cell in result.cells
        if cell.coverage is not None
    }
    assert shares == {
        ("float32", "onnxruntime"): 0,
        ("float32", "torch_compile"): 0,
        ("ort_static", "onnxruntime"): 640,
    }
