"""Commands from records: what help shows, and what reaches the command."""

from __future__ import annotations

import dataclasses
import inspect
import re
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from quantbench.cli import records, result_records
from quantbench.cli.app import app
from quantbench.cli.declare import DATA, OUTPUT, STUDY, TIME, TRAINING, argument, declare, option
from quantbench.cli.groups import Study
from quantbench.studies.options import SCHEMA, Options


@dataclass(frozen=True, kw_only=True)
class Made:
    """A small command."""

    name: Annotated[str | None, argument("A name.", "NAME")] = None
    many: Annotated[list[int] | None, option(TIME, "--many", metavar="N", help="Numbers.")] = None
    flag: Annotated[bool | None, option(None, "--flag", help="A flag.", default="no")] = None


def called(*arguments: str) -> Made:
    calls: list[Made] = []
    own = typer.Typer(rich_markup_mode=None)
    declare(own, Made, "made")(calls.append)
    result = CliRunner().invoke(own, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (made,) = calls
    return made


def test_a_command_gets_its_record() -> None:
    assert called() == Made()
    assert called("x", "--many", "1", "--many", "2", "--flag") == Made(
        name="x", many=[1, 2], flag=True
    )


def help_of(command: str) -> str:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, [command, "--help"])
    assert result.exit_code == 0
    return result.output


def test_help_groups_options_by_what_they_are_for() -> None:
    text = help_of("run")
    titles = re.findall(r"^(\S.*):$", text, re.MULTILINE)
    assert titles == ["Arguments", STUDY, DATA, TRAINING, TIME, OUTPUT, "Options"]
    block = text.partition(f"\n{TIME}:")[2].partition("\n\n")[0]
    assert set(re.findall(r"^  (--[\w-]+)", block, re.MULTILINE)) == {
        "--threads", "--full", "--quick", "--starts", "--count", "--budget", "--jobs", "--cluster",
        "--pair",
    }  # fmt: skip


@pytest.mark.parametrize(
    "record", [record for module in (records, result_records)
               for _, record in inspect.getmembers(module, inspect.isclass)
               if record.__module__ == module.__name__]
)  # fmt: skip
def test_a_field_of_a_study_is_an_option_of_it(record: type) -> None:
    """A name that is no key would be dropped without a word."""
    command = {"one_method", "converted", "beside", "images", "file", "sort", "as_reported",
               "print_settings", "config", "set_", "check", "all_rows", "details", "row", "only",
               "max_drop", "predict_on"}  # fmt: skip
    if issubclass(record, Study):
        names = {field.name for field in dataclasses.fields(record)}
        assert names - command <= set(SCHEMA.keys)


def test_the_defaults_that_help_shows_are_those_of_the_record() -> None:
    shown = dict(
        re.findall(
            r" --(\w[\w-]*) (?:(?! --).)*?\[default: ([^\]]*)\]", " ".join(help_of("run").split())
        )
    )
    own = {"sort": "latency", "starts": "6", "config": "quantbench.toml, if it is there",
           "target-column": "the last column", "model": "lenet", "jobs": "the cores",
           "margin": "0.1, else 1% of the score"}  # fmt: skip
    assert shown.keys() > own.keys()
    for key, value in shown.items():
        default = own.get(key)
        if default is None:
            field = getattr(Options(), SCHEMA.field_of(key, "option"))
            default = ", ".join(map(str, field)) if isinstance(field, tuple) else str(field)
        assert value == default, key
