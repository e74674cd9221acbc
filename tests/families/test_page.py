"""The page of networks says of each pair what the study says."""

from __future__ import annotations

from benchmarks.networks import Studied, page
from quantbench.numerics.coverage import Coverage
from tests.families import mlp, vit
from tests.report.builder import results, row

SKIPPED = [
    {"method": "static", "runtime": "torch", "reason": "no kernel for a|b"},
    {"method": "qat", "runtime": "*", "reason": "no training samples"},
]


def covered(method: str, runtime: str, integer: int, in_float: int) -> object:
    coverage = Coverage(integer_macs=integer, float_macs=in_float)
    return row(method, runtime).model_copy(update={"coverage": coverage})


def lines() -> list[str]:
    rows = (
        covered("float32", "torch", 0, 1000),
        covered("dynamic", "torch", 999, 1),
        covered("ort_static", "onnxruntime", 1000, 0),
    )
    studied = Studied(mlp.FAMILY, results(*rows, skipped=SKIPPED))
    return page([studied, Studied(vit.FAMILY, "the split is empty")], 0.25).splitlines()


def test_a_cell_is_the_share_on_integers_and_all_of_it_only_where_all_is() -> None:
    assert "| method | onnxruntime | torch |" in lines()
    assert "| dynamic |  | 99 % |" in lines()
    assert "| float32 |  | float32 |" in lines()
    assert "| ort_static | 100 % |  |" in lines()


def test_a_reason_stands_once_below_the_table() -> None:
    assert "| static |  | [1] |" in lines() or "| static |  | [2] |" in lines()
    assert [line for line in lines() if line.endswith("no kernel for a\\|b")] != []
    assert sum("no training samples" in line for line in lines()) == 1
    assert "| qat | [1] | [1] |" in lines()


def test_a_network_without_a_study_says_why() -> None:
    text = lines()
    assert text[text.index("## ViT-Ti/16") + 2] == "No study: the split is empty"
