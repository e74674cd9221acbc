"""Every command in docs/usage.md is one that the command line takes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from quantbench.cli import app, records, result_records
from quantbench.cli.configure import configured
from quantbench.cli.declare import declare
from quantbench.cli.groups import Study

TEXT = (Path(__file__).parents[2] / "docs" / "usage.md").read_text(encoding="utf-8")
COMMANDS = [
    line.strip().partition(" # ")[0].split(" ", 1)[1]
    for line in TEXT.splitlines()
    if line.startswith("    quantbench ")
]


def test_the_documentation_names_every_command() -> None:
    listed = {command.name for command in app.app.registered_commands}
    assert {command.split()[0] for command in COMMANDS} == listed


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_documentation_is_taken(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its options are parsed, and merged to those of a study; nothing is run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("quantbench.plugins.use_plugins", lambda *_: None)
    name, *arguments = shlex.split(line)
    record = parsed(name, arguments)
    if isinstance(record, Study):
        options = configured(record, methods=(), owner="static").options
        assert options.target is None or options.target in arguments


def record_of(name: str) -> type:
    """The record of the options of a command."""
    both = vars(records) | vars(result_records)
    return both[name.capitalize()]  # type: ignore[no-any-return]


def parsed(name: str, arguments: list[str]) -> Any:
    """The record that the command of this name would be given."""
    taken: list[Any] = []
    alone = typer.Typer(rich_markup_mode=None)
    declare(alone, record_of(name), name)(taken.append)
    result = CliRunner().invoke(alone, arguments)
    assert result.exit_code == 0, result.output
    (record,) = taken
    return record
