from __future__ import annotations

from pathlib import Path

import pytest

from quantbench import plugins
from quantbench.explain.judge import WEIGHTS, judge, with_findings
from tests.explain.builder import quantized
from tests.formats import INT8_CHANNEL, UINT8_UNIT, numerics
from tests.report.builder import results

RULE = """
from quantbench.results.records import Evidence, Finding

TITLE = "a rule of the user's"


def find(results, explanation):
    if not results.rows:
        raise RuntimeError("no rows")
    yield Finding(rule="", weight="fault", sentence="so it is",
                  evidence=(Evidence(what="rows", value=len(results.rows)),), remedy="change it")
"""


def test_the_weightiest_come_first_and_those_of_the_shipped_row_before_others() -> None:
    uncalibrated = quantized("other", numerics=numerics(INT8_CHANNEL, UINT8_UNIT))
    findings = with_findings(results(*results().rows, uncalibrated)).findings
    assert [WEIGHTS.index(x.weight) for x in findings] == sorted(
        WEIGHTS.index(x.weight) for x in findings
    )
    assert findings[0].rule == "never_calibrated"


@pytest.fixture
def own_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_named_by_user", {})
    path = tmp_path / "my_rule.py"
    path.write_text(RULE)
    plugins.use_plugins(path)


def test_a_file_of_the_users_is_a_rule_and_one_that_fails_is_told(own_rule: None) -> None:
    study = results()
    assert "my_rule" in [finding.rule for finding in judge(study).findings]
    failed = judge(study.model_copy(update={"rows": ()}))
    assert failed.findings == ()
    assert failed.notes == ("the rule 'my_rule' failed: RuntimeError: no rows",)
