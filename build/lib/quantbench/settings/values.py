"""Values of settings from text, as `--set NAME=VALUE` or a file gives them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from quantbench import plugins
from quantbench.errors import SettingError, UnknownNameError, UsageError
from quantbench.system.record import Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

S = TypeVar("S", bound=Settings)

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smh])+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def settings_for(method: str, **values: object) -> Settings:
    """Return a method's settings: `settings_for("static", images=500)`; the rest are defaults.

    Raises UnknownNameError or SettingError.
    """
    text = {name: str(value) for name, value in values.items()}
    return parse_settings(plugins.method(method).SETTINGS, f"setting of method '{method}'", text)


def parse_settings(kind: type[S], what: str, values: dict[str, str], where: str = "") -> S:
    """Raises UnknownNameError for a name that `kind` lacks, SettingError for a bad value.

    `what` names the setting in the error: "setting of method 'static'"; `where` is the file that
    it stands in, if any.
    """
    for name in values:
        if name not in kind.model_fields:
            raise UnknownNameError(what, name, kind.model_fields, where)
    try:
        return kind.model_validate_strings(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "value"
        place = f" in {where}" if where else ""
        raise SettingError(f"{what} '{name}'{place}: {complaint(first)}") from error


def complaint(error: ErrorDetails) -> str:
    """Return what pydantic says of a value, without its prefix for our own validators."""
    return error["msg"].removeprefix("Value error, ")


def split_pairs(pairs: list[str], *, needs_owner: bool) -> dict[str, str]:
    """["a=1", "b.c=x"] -> {"a": "1", "b.c": "x"}; raises UsageError."""
    values = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or (needs_owner and "." not in name):
            form = "METHOD.NAME=VALUE or recipe.NAME=VALUE" if needs_owner else "NAME=VALUE"
            raise UsageError(f"'--set {pair}' should be {form}")
        values[name] = value
    return values


def seconds(value: object) -> object:
    """Turn a duration such as "90s", "5m" or "1h30m" into seconds; leave a number as it is.

    Raises ValueError, as a validator of pydantic does.
    """
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if _NUMBER.fullmatch(text):
        return float(text)
    if not _DURATION.fullmatch(text):
        raise ValueError(f"'{value}' is no duration; write it as 90s, 5m, 1h or 1h30m")
    parts = re.findall(r"([\d.]+)([smh])", text)
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def share(value: object) -> object:
    """Turn a percentage such as "10%" into a share of one; leave anything else as it is.

    Raises ValueError, as a validator of pydantic does.
    """
    if not isinstance(value, str) or not value.strip().endswith("%"):
        return value
    number = value.strip().removesuffix("%").strip()
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"'{value}' is no share; write it as 10% or 0.1")
    return float(number) / 100
