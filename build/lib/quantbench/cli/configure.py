"""Merge a command's record with files and the environment into the options of a study."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from quantbench import plugins
from quantbench.errors import SettingError, UnknownNameError, UsageError
from quantbench.settings.layers import (
    RECIPE,
    Layer,
    Setting,
    as_text,
    layer_of_environment,
    layers_of_folder,
    merged,
    values_of,
)
from quantbench.settings.values import complaint, parse_settings, split_pairs
from quantbench.studies.options import PLUGINS, SCHEMA, Options, Overrides
from quantbench.training.recipes import Recipe, recipe

if TYPE_CHECKING:
    from quantbench.cli.groups import Study

_COMMAND_LINE = "--set"
_ARGUMENTS = {"target": "TARGET", "methods": "METHOD"}
"""Fields of a command's record that are given by position -> how an error names them."""


@dataclass(frozen=True)
class Configured:
    """A study as it was asked for, and where each setting comes from."""

    options: Options
    overrides: Overrides
    layer: Layer


def configured(
    record: Study, methods: Collection[str] | None = None, owner: str | None = None
) -> Configured:
    """Merge the files' settings, the environment's and the command's own.

    `methods` are those that the command runs; None: those of the options. A name without a dot in
    --set belongs to `owner`, where there is one. Raises UsageError before anything is started.
    """
    layer = merged(
        (
            *layers_of_folder(Path(), SCHEMA, record.config),
            layer_of_environment(os.environ, SCHEMA),
            layer_of_command(record, owner),
        )
    )
    options = _options(layer)
    running = options.methods if methods is None else methods
    _check_tables(layer, running, options.recipe)
    overrides = {
        name: {key: as_text(setting) for key, setting in table.items()}
        for name, table in layer.tables.items()
        if name in (RECIPE, *running) or _is_asked(table)
    }
    return Configured(options, overrides, layer)


def layer_of_command(record: Study, owner: str | None = None) -> Layer:
    """Return what the command line says. Raises UsageError where it names two networks."""
    options: dict[str, Setting] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if field.name in SCHEMA.keys and value is not None:
            place = _ARGUMENTS.get(field.name, f"--{field.name.replace('_', '-')}")
            name = SCHEMA.field_of(field.name, "option")
            if name in options:
                raise UsageError(f"name the network once: {options[name].place} or {place}")
            options[name] = Setting(values_of(name, value, SCHEMA), place, place)
    tables: dict[str, dict[str, Setting]] = {}
    for pair, value in split_pairs(record.set_ or [], needs_owner=owner is None).items():
        first, dot, rest = pair.partition(".")
        key, name = (first, rest) if dot else (owner or first, first)
        tables.setdefault(key, {})[name] = Setting(value, _COMMAND_LINE, _COMMAND_LINE)
    return Layer(options, tables)


def _options(layer: Layer) -> Options:
    """Raises UsageError, which names the place of the value."""
    values = {name: setting.value for name, setting in layer.options.items()}
    files = values.pop(PLUGINS, None) or []
    if not isinstance(files, list):
        raise UsageError(f"{layer.options[PLUGINS].named} should be a list of files")
    plugins.use_plugins(*map(str, files))
    if target := values.pop("target", None):
        values |= _network(str(target))
    try:
        return Options.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        setting = layer.options.get(str(first["loc"][0])) if first["loc"] else None
        message = complaint(first)
        raise SettingError(f"{setting.named}: {message}" if setting else message) from error


def _network(target: str) -> dict[str, str]:
    """Tell a model's name from a file and from PACKAGE:CALLABLE. Raises UnknownNameError."""
    known = plugins.names("models")
    if target in known:
        return {"model": target}
    if not re.search(r"[./:]", target) and not Path(target).exists():
        raise UnknownNameError("model", target, known)
    return {"target": target}


def _is_asked(table: Mapping[str, Setting]) -> bool:
    """Whether the command line set something of a method, which then has to be one that runs."""
    return any(setting.place == _COMMAND_LINE for setting in table.values())


def _check_tables(layer: Layer, running: Collection[str], recipe_name: str) -> None:
    """Check the settings of methods and recipe that files hold. Raises UsageError with the file."""
    for owner, table in layer.tables.items():
        for place in sorted({setting.place for setting in table.values()} - {_COMMAND_LINE}):
            values = {key: as_text(each) for key, each in table.items() if each.place == place}
            if owner == RECIPE:
                base = {key: str(value) for key, value in recipe(recipe_name)}
                parse_settings(Recipe, "setting of the recipe", base | values, place)
            elif owner not in (known := plugins.names("methods")):
                raise UnknownNameError("method", owner, known, place)
            elif owner in running and not plugins.why_unavailable("methods", owner):
                kind = plugins.method(owner).SETTINGS
                parse_settings(kind, f"setting of method '{owner}'", values, place)
