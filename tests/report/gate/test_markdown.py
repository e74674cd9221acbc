from __future__ import annotations

from quantbench.report.gate.markdown import markdown
from tests.report.gate.checks import ALL, OPEN, check

EXPECTED = """\
### 3 checks: 1 pass, 1 fail, 1 not resolved

A is a.json, B is new\\_b.json.

| result | fails if | row | A | B | change, or B's interval |
|---|---|---|---:|---:|---|
| **fail** | latency \\> +3% | static on torch | 41.0 µs | 43.1 µs | +5.10% (95% interval +3.20% to +7.00%) |
| pass | flash \\> 64kB | – | 60,000 bytes | 61,000 bytes | – |
| not resolved | accuracy \\< -0.1 | static on torch | 99.00% | 98.88% | −0.12 points (95% interval −0.25 points to +0.01 points) |

accuracy\\[static on torch\\] \\< -0.1 is not resolved: more test images.
"""  # noqa: E501


def test_a_table_for_a_pull_request() -> None:
    assert markdown(ALL, ("a.json", "new_b.json")) == EXPECTED


def test_names_of_untrusted_files_are_no_markup() -> None:
    odd = check("latency > +3%", OPEN.outcome, row="a|b\n| **x** | <img src=x>`", reason="[x](y)")
    lines = markdown((odd,), ("a", "b")).splitlines()
    (cells,) = [line for line in lines if line.startswith("| not")]
    assert cells.count(" | ") == 5  # between six cells
    assert r"a\|b \| \*\*x\*\* \| \<img src=x\>\`" in cells
    assert lines[-1].endswith(r"is not resolved: \[x\](y).")
