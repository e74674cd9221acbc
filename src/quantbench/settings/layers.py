"""Layers of settings: a file, the environment, the command line; a later one overrides.

A value keeps the place that it came from, so that an error can name it and `--print-settings`
can show it. Layers are only read here; the record that they fill checks their values.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from quantbench.errors import UnknownNameError, UsageError

FILE = "quantbench.toml"
PYPROJECT = "pyproject.toml"
PREFIX = "QUANTBENCH_"
RECIPE = "recipe"
METHODS = "methods"
COMPARE = "compare"
"""The table of `quantbench compare`, which has settings of its own; a study has none of them."""
NAME = "name"
"""The key of the recipe's name in its table: TOML allows no value beside a table of one name."""
_MAX_BYTES = 2**20
_NEAR = 0.75
_NOT_SETTINGS = frozenset(("QUANTBENCH_CACHE",))
"""Variables that other parts read."""


@dataclass(frozen=True)
class Setting:
    """A value as it was given, and its place: "study.toml", "QUANTBENCH_BUDGET", "--budget"."""

    value: object
    key: str
    """The name that the user wrote."""
    place: str

    @property
    def named(self) -> str:
        """The setting as an error names it: "'budget' in study.toml", or "--budget"."""
        return self.place if self.key == self.place else f"'{self.key}' in {self.place}"


@dataclass(frozen=True)
class Layer:
    """The settings of one place, or of all places, merged."""

    options: Mapping[str, Setting] = field(default_factory=dict)
    """Field -> its setting."""
    tables: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    """Method, or "recipe" -> name -> its setting."""


@dataclass(frozen=True)
class Schema:
    """The keys that may be set, and how some of their values are read."""

    keys: tuple[str, ...]
    """The names that a user writes, with underscores."""
    fields: Mapping[str, str]
    """Key -> field, where they differ: "method" and "methods" may both set "methods"."""
    lists: frozenset[str]
    """Fields of several values; text is split at its commas, but for files in a list."""
    paths: frozenset[str]
    """Fields that hold files and folders, which are relative to the file that names them."""
    sources: frozenset[str]
    """Fields that hold a name, or FILE or FILE:NAME, relative likewise where there is that file."""

    def field_of(self, key: str, kind: str, where: str = "") -> str:
        """Return the field that a key sets. Raises UnknownNameError with the nearest key."""
        name = key.replace("-", "_")
        if name not in self.keys:
            raise UnknownNameError(kind, key, self.keys, where)
        return self.fields.get(name, name)


def layers_of_folder(folder: Path, schema: Schema, config: Path | None = None) -> list[Layer]:
    """Return the layers of the files that count in `folder`, the weakest first.

    They are [tool.quantbench] of the nearest pyproject.toml, then `config`, or quantbench.toml
    where none is named. Raises UsageError.
    """
    return [layer_of_table(table, path, schema) for path, table in _tables(folder, config)]


def settings_of_compare(
    folder: Path, keys: Iterable[str], config: Path | None = None
) -> Mapping[str, Setting]:
    """Return what the tables [compare] of the same files say, each key as the last of them has it.

    Raises UsageError, also for a key that isn't one of `keys`, with the nearest.
    """
    found: dict[str, Setting] = {}
    for path, table in _tables(folder, config):
        for key, value in _table(table, path, COMPARE).items():
            if key.replace("-", "_") not in keys:
                raise UnknownNameError("key", f"{COMPARE}.{key}", _dotted(keys), str(path))
            found[key.replace("-", "_")] = Setting(value, f"{COMPARE}.{key}", str(path))
    return found


def _dotted(keys: Iterable[str]) -> list[str]:
    return [f"{COMPARE}.{key}" for key in keys]


def _tables(folder: Path, config: Path | None) -> Iterable[tuple[Path, Mapping[str, object]]]:
    """Yield the files that count in `folder` with their settings, the weakest first."""
    project = nearest(folder, PYPROJECT)
    if project and (table := _table(_parsed(project), project, "tool", "quantbench")):
        yield project, table
    path = config or (folder / FILE if (folder / FILE).is_file() else None)
    if path:
        yield path, _parsed(path)


def nearest(folder: Path, name: str) -> Path | None:
    """Return the file of this name in `folder` or in the nearest folder above it, or None."""
    for place in (folder, *folder.absolute().parents):
        if (place / name).is_file():
            return place / name
    return None


def layer_of_table(table: Mapping[str, object], path: Path, schema: Schema) -> Layer:
    """Return the settings in a TOML table, whose paths are relative to its file.

    Raises UsageError for an unknown key, with the nearest.
    """
    place = str(path)
    options: dict[str, Setting] = {}
    tables: dict[str, Mapping[str, Setting]] = {}
    for key, value in table.items():
        if key == COMPARE:
            continue
        if key == METHODS and isinstance(value, dict):
            for method in value:
                tables[method] = _settings(_table(value, path, method), f"{key}.{method}", place)
        elif key == RECIPE and isinstance(value, dict):
            settings = dict(_settings(value, RECIPE, place))
            if NAME in settings:
                options[RECIPE] = settings.pop(NAME)
            tables[RECIPE] = settings
        else:
            name = schema.field_of(key, "key", place)
            if name in options:
                raise UsageError(f"'{options[name].key}' and '{key}' in {place} are the same key")
            options[name] = Setting(_read(name, value, schema, path.parent), key, place)
    return Layer(options, tables)


def layer_of_environment(environ: Mapping[str, str], schema: Schema) -> Layer:
    """Return the settings in variables such as QUANTBENCH_BUDGET; an empty one says nothing.

    A variable that is no key is another program's, unless it is nearly one: then it is refused
    with UnknownNameError.
    """
    known = {f"{PREFIX}{key.upper()}": key for key in schema.keys}
    options: dict[str, Setting] = {}
    for variable, text in sorted(environ.items()):
        if variable in known and text:
            name = schema.field_of(known[variable], "variable")
            options[name] = Setting(_read(name, text, schema, None), variable, variable)
        elif variable.startswith(PREFIX) and variable not in known.keys() | _NOT_SETTINGS:
            rest = variable.removeprefix(PREFIX)
            keys = [key.upper() for key in schema.keys]
            if difflib.get_close_matches(rest, keys, n=1, cutoff=_NEAR):
                raise UnknownNameError("environment variable", variable, known)
    return Layer(options)


def merged(layers: Iterable[Layer]) -> Layer:
    """Return all layers as one: each setting is that of the last layer that has it."""
    options: dict[str, Setting] = {}
    tables: dict[str, dict[str, Setting]] = {}
    for layer in layers:
        options |= layer.options
        for owner, settings in layer.tables.items():
            tables.setdefault(owner, {}).update(settings)
    return Layer(options, tables)


def as_text(setting: Setting) -> str:
    """Return a value of a method's table as text: that of a list is JSON.

    Raises UsageError for a table, and for a list of anything but text.
    """
    match setting.value:
        case bool(flag):
            return str(flag).lower()
        case str() | int() | float():
            return str(setting.value)
        case list(values) if all(isinstance(value, str) for value in values):
            return json.dumps(values)
        case _:
            raise UsageError(
                f"{setting.named} should be one value: text, a number or true/false; or texts in a "
                "list"
            )


def at_commas(values: Iterable[str]) -> list[str]:
    """Return the parts of all texts: ["a, b", "c"] -> ["a", "b", "c"]."""
    return [part.strip() for text in values for part in text.split(",") if part.strip()]


def values_of(name: str, value: object, schema: Schema) -> object:
    """Return the value of a field, where it takes several with all texts split at their commas.

    Files in a list are left alone: their names may hold commas.
    """
    if name not in schema.lists:
        return value
    if isinstance(value, str):
        return at_commas([value])
    if not isinstance(value, list) or name in schema.paths:
        return value
    return [
        part for each in value for part in (at_commas([each]) if isinstance(each, str) else [each])
    ]


def _read(name: str, value: object, schema: Schema, folder: Path | None) -> object:
    value = values_of(name, value, schema)
    if folder is None:
        return value
    if name in schema.sources and isinstance(value, str):
        file, colon, rest = value.partition(":")
        return f"{folder / file}{colon}{rest}" if _is_file(folder / file) else value
    if name not in schema.paths:
        return value
    if isinstance(value, list):
        return [_in_folder(part, folder) for part in value]
    return _in_folder(value, folder)


def _is_file(path: Path) -> bool:
    return bool(path.suffix) and path.is_file()


def _in_folder(value: object, folder: Path) -> object:
    return str(folder / Path(value).expanduser()) if isinstance(value, str) else value


def _settings(table: Mapping[str, object], path: str, place: str) -> Mapping[str, Setting]:
    return {name: Setting(value, f"{path}.{name}", place) for name, value in table.items()}


def _table(parsed: Mapping[str, object], path: Path, *names: str) -> Mapping[str, object]:
    """Return the table inside of tables; an empty one where there is none. Raises UsageError."""
    table: object = parsed
    for name in names:
        table = table.get(name, {}) if isinstance(table, Mapping) else table
    if not isinstance(table, Mapping):
        raise UsageError(f"'{names[-1]}' in {path} should be a table of settings")
    return table


def _parsed(path: Path) -> Mapping[str, object]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise UsageError(f"{path} is over {_MAX_BYTES >> 20} MiB; that is no settings file")
        return tomllib.loads(content.decode())
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from error
