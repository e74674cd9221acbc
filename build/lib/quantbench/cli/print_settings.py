"""The settings in force as TOML, each with its place: `quantbench run --print-settings`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from quantbench.cli.configure import Configured, configured
from quantbench.cli.groups import Study
from quantbench.settings.layers import METHODS, NAME, RECIPE, Setting
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


def toml(value: object) -> str:
    """Return a value as TOML: text, numbers, paths, lists and tables within a line."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case Mapping():
            return f"{{ {', '.join(f'{toml_key(k)} = {toml(v)}' for k, v in value.items())} }}"
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
        case _:
            text = str(value) if isinstance(value, str | Path) else repr(value)
            return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(name: str) -> str:
    """Return a key of TOML, quoted where it isn't a bare one."""
    bare = name.isascii() and name.replace("-", "_").replace("_", "a").isalnum()
    return name if bare else toml(name)


def _line(key: str, value: object, setting: Setting | None) -> str:
    if value is None:
        return f"# {key} is not set"
    return f"{f'{key} = {toml(value)}':{_WIDTH}} # {setting.place if setting else 'default'}"
