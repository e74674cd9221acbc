"""Settings from text, as `--set name=value` gives them."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from quantbench import plugins
from quantbench.errors import SettingError, UnknownNameError, UsageError
from quantbench.system.record import Settings

S = TypeVar("S", bound=Settings)


def settings_for(method: str, **given: object) -> Settings:
    """A method's settings, defaults where nothing is given: `settings_for("static", images=500)`.

    Raises UnknownNameError or SettingError.
    """
    text = {name: str(value) for name, value in given.items()}
    return parse_settings(plugins.method(method).SETTINGS, f"setting of method '{method}'", text)


def parse_settings(kind: type[S], what: str, given: dict[str, str]) -> S:
    """Raises UnknownNameError for a name that `kind` lacks, SettingError for a bad value.

    `what` names the setting in the error: "setting of method 'static'".
    """
    for name in given:
        if name not in kind.model_fields:
            raise UnknownNameError(what, name, kind.model_fields)
    try:
        return kind.model_validate_strings(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "value"
        raise SettingError(f"{what} '{name}': {first['msg']}") from error


def split_pairs(pairs: list[str], *, needs_owner: bool) -> dict[str, str]:
    """["a=1", "b.c=x"] -> {"a": "1", "b.c": "x"}; raises UsageError."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or (needs_owner and "." not in name):
            form = "METHOD.NAME=VALUE or recipe.NAME=VALUE" if needs_owner else "NAME=VALUE"
            raise UsageError(f"'--set {pair}' should be {form}")
        found[name] = value
    return found
