"""docs/ci.md is true: its rules are read, its settings are taken, its workflow is YAML."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from quantbench.cli.compare import gate_of
from quantbench.cli.result_records import Compare
from quantbench.results.gate.judge import COMPILED, QUANTITIES
from quantbench.results.gate.rule import UNITS, parse_rule
from tests.cli.test_usage_doc import parsed

TEXT = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
FENCED = dict(re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL))
COMMANDS = [
    " ".join(command.replace("\\\n", " ").split())
    for command in re.findall(
        r"^ {4,}(quantbench (?:[^\n]*\\\n)*[^\n]*)", re.sub(r" {2,}# .*", "", TEXT), re.MULTILINE
    )
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_taken(command: str) -> None:
    name, *arguments = shlex.split(re.sub(r"\$\{\{.*?\}\}", "", command))[1:]
    record = parsed(name, arguments)
    if isinstance(record, Compare):
        assert gate_of(record).rules


def test_every_command_is_seen() -> None:
    assert len(COMMANDS) == 6


def test_the_settings_are_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("quantbench.toml").write_text(FENCED["toml"])
    gate = gate_of(Compare(first=Path("a"), second=Path("b")))
    assert [str(rule) for rule in gate.rules] == [
        "latency[ort_static on c99] > +3%", "accuracy < -0.1", "bytes > 64kB"
    ]  # fmt: skip
    assert gate.strict is False


def test_the_rules_in_the_text_are_read() -> None:
    rules = re.findall(r"`(\w+(?:\[[^\]`]*\])? [<>] [^`]*)`", TEXT)
    assert len(rules) == 3
    assert [str(parse_rule(rule)) for rule in rules] == rules


def test_every_quantity_and_unit_stands_in_the_table() -> None:
    table = "\n".join(line for line in TEXT.splitlines() if line.startswith("| `"))
    assert {*QUANTITIES, *COMPILED} <= set(re.findall(r"`(\w+)`", table))
    plain = {unit for unit in UNITS if unit.isascii()} - {"pp"}
    assert plain <= set(re.findall(r"[\w/%]+", table))


def test_the_workflow_is_one() -> None:
    workflow = yaml.safe_load(FENCED["yaml"])
    steps = workflow["jobs"]["compare"]["steps"]
    assert sum("quantbench" in step.get("run", "") for step in steps) == 2
