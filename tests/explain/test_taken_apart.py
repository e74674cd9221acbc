from __future__ import annotations

import pytest

from quantbench.errors import UnavailableError
from quantbench.explain.taken_apart import DEFAULT, can_be, taken_apart
from tests.report.builder import results, row

STUDY = results(row(), row("static"), row("pt2e_static", "onnxruntime"), row("qat"))


def name(method: str) -> str:
    return next(row.name for row in STUDY.rows if row.method == method)


def test_the_first_row_whose_method_calibrates_onnx() -> None:
    rows = [name(method) for method in ("float32", "static", "pt2e_static")]
    assert taken_apart(STUDY, rows, named=False) == "pt2e_static"
    assert taken_apart(STUDY, rows[:2], named=False) == DEFAULT
    assert taken_apart(STUDY, rows[:1], named=True) == DEFAULT


def test_a_row_that_is_named_and_can_t_be_says_which_can() -> None:
    with pytest.raises(UnavailableError, match=r"'qat' isn't .* of .*nncf_static, ort_static"):
        taken_apart(STUDY, [name("qat")], named=True)


def test_methods_that_train_or_write_no_onnx_can_t() -> None:
    assert [method for method in ("ort_static", "static", "qat", "float32") if can_be(method)] == [
        "ort_static"
    ]
