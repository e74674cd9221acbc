"""Every file of explain/findings/."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantbench import plugins
from quantbench.explain.judge import WEIGHTS
from tests.explain.builder import explained
from tests.report.builder import results

RULES = plugins.names("findings")
TESTS = Path(__file__).parents[1] / "explain" / "findings"


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_a_title_and_reads_only_what_is_there(name: str) -> None:
    module = plugins.finding(name)
    assert isinstance(module.TITLE, str)
    assert not {*module.TITLE} & {".", "\n"}
    for study in (results(), results().model_copy(update={"rows": ()})):
        for finding in module.find(study, explained()):
            assert (finding.rule, finding.weight in WEIGHTS) == (name, True)
            assert {*finding.rows} <= {row.name for row in study.rows}
            for text in (finding.sentence, finding.remedy):
                assert text == text.strip().rstrip(".")
                assert "\n" not in text


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_cases_where_it_must_fire_and_where_it_must_not(name: str) -> None:
    text = (TESTS / f"test_{name}.py").read_text(encoding="utf-8")
    assert f'RULE = "{name}"' in text
    assert "def test_fires" in text
    assert "def test_does_not_fire" in text
