"""The summary for a pull request."""

from __future__ import annotations

from quantbench.report.summary import summary
from tests.report.builder import results, row
from tests.report.html.explained import explanation


def test_a_summary_has_the_answer_a_table_and_what_costs():
    study = results()
    lines = summary(study, explanation(study)).splitlines()
    assert lines[0] == "### lenet on mnist: Keep float32 on onnxruntime"
    assert lines[2].startswith("**One image at a time and batches of 1,000:** keep float32 on")
    head = next(place for place, line in enumerate(lines) if line.startswith("| method"))
    columns = lines[head].count("|")
    table = [line for line in lines[head:] if line.startswith("|")]
    assert len(table) == 2 + len(study.rows)
    assert {line.count("|") for line in table} == {columns}
    assert table[2].startswith("| float32 | onnxruntime | 249,000 | 99.00 | – | 40.0 |")
    assert sum(line.startswith("- **") for line in lines) == 2
    assert "This CPU multiplies" not in summary(study, explanation(study))


def test_names_are_no_markup():
    study = results(row("a|b\n# c", "<i>"), model="[x](y)")
    text = summary(study)
    assert "\\[x\\](y)" in text
    assert "a\\|b \\# c" in text
    assert "<i>" not in text.replace("\\<i\\>", "")
