from __future__ import annotations

import re

from quantbench.report.reproduction.printout import as_reported
from tests.report.builder import results, row
from tests.report.golden import check

FLOAT = """\
LeNet(
  (quant): QuantStub()
  (classifier): Sequential(
    (0): Linear(in_features=120, out_features=84, bias=True)
    (1): ReLU()
  )
  (dequant): DeQuantStub()
)"""
DYNAMIC = FLOAT.replace(
    "Linear(in_features=120, out_features=84, bias=True)",
    "DynamicQuantizedLinear(in_features=120, out_features=84, dtype=torch.qint8, "
    "qscheme=torch.per_tensor_affine)",
)
STATIC = """\
LeNet(
  (quant): Quantize(scale=tensor([1.]), zero_point=tensor([0]), dtype=torch.quint8)
  (classifier): Sequential(
    (0): QuantizedLinear(in_features=120, out_features=84, scale=1.0, zero_point=0)
    (1): ReLU()
  )
  (dequant): DeQuantize()
)"""
STRUCTURES = {"float32": FLOAT, "dynamic": DYNAMIC, "static_uncalibrated": STATIC}


def test_looks_as_it_did():
    check("as-reported.txt", as_reported(results(), STRUCTURES, (110, 20)))


def test_fits_80_columns_but_for_the_structures():
    assert max(map(len, as_reported(results(), {}).splitlines())) <= 80


def test_lines_have_the_report_s_layout():
    text = as_reported(results(), {})
    assert len(re.findall(r"^Size \(MB\): \d\.\d{6}$", text, re.M)) == 4
    test = r"^Test set: Average loss: \d\.\d{4}, Accuracy: \d+/10000 \(\d\d\.\d\d%\)$"
    assert len(re.findall(test, text, re.M)) == 4
    assert len(re.findall(r"^Elapsed time \(seconds\): \d\.\d{6}$", text, re.M)) == 4
    assert text.count("[report: ") == 12


def test_the_report_s_figures_stand_beside_ours():
    text = as_reported(results(), {})
    assert "Size (MB): 0.250000\n  [report: 0.250382]" in text
    assert "[report: Average loss: 0.1505, Accuracy: 9570/10000 (95.70%)]" in text


def test_structures_are_printed_where_given():
    text = as_reported(results(), STRUCTURES)
    for heading, structure in (
        ("Floating point model\n====================\n", FLOAT),
        ("Dynamically quantized model\n===========================\n", DYNAMIC),
        (f"not calibrated, as in the report\n{'=' * 60}\n", STATIC),
    ):
        assert f"{heading}{structure}\nSize (MB): " in text
    assert text.count("LeNet(") == 3


def test_a_missing_row_gives_its_reason():
    skipped = [{"method": "static", "runtime": "torch", "reason": "no engine here"}]
    text = as_reported(results(row(loss=None), skipped=skipped), {})
    assert "not measured: no engine here" in text
    assert "not measured: it was not asked for" in text
    assert "Average loss: none" in text
