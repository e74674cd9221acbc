"""The settings in force as TOML, each with its place: `quantbench run --print-settings`."""

from __future__ import annotations

from collections.abc import Iterator

from quantbench.cli.configure import Configured, configured
from quantbench.cli.groups import Study
from quantbench.settings.layers import METHODS, NAME, RECIPE, Setting
from quantbench.settings.toml_text import toml, toml_key
from quantbench.studies.options import PLUGINS
from quantbench.system.terminal import Terminal

_KEYS = {"methods": "method", "runtimes": "runtime", "budget_seconds": "budget"}
"""Field -> its key, where they differ: [methods.NAME] is a table in the same file."""
_DERIVED = ("target", "model", "schedule")
"""Fields that others tell, unless they were set: the first line, quick and full."""
_WIDTH = 40


def print_settings(record: Study) -> None:
    """Print what a study would run with. Raises UsageError."""
    terminal = Terminal()
    for line in lines(configured(record)):
        terminal.say(line)


def lines(study: Configured) -> Iterator[str]:
    """Yield the lines of a settings file that gives the same study; comments tell the places."""
    options, said, tables = study.options, study.layer.options, study.layer.tables
    yield _line("target", options.target or options.model, said.get("target"))
    hidden = {name for name in _DERIVED if name not in said or name == "target"}
    for name, value in options.model_dump().items():
        if name not in hidden and not (name == RECIPE and RECIPE in tables):
            yield _line(_KEYS.get(name, name), value, said.get(name))
    if PLUGINS in said:
        yield _line("plugin", said[PLUGINS].value, said[PLUGINS])
    for owner, table in tables.items():
        yield ""
        yield f"[{owner}]" if owner == RECIPE else f"[{METHODS}.{toml_key(owner)}]"
        if owner == RECIPE:
            yield _line(NAME, options.recipe, said.get(RECIPE))
        for name, setting in table.items():
            yield _line(toml_key(name), setting.value, setting)


def _line(key: str, value: object, setting: Setting | None) -> str:
    if value is None:
        return f"# {key} is not set"
    return f"{f'{key} = {toml(value)}':{_WIDTH}} # {setting.place if setting else 'default'}"
