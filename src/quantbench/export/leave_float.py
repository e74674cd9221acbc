"""The setting `leave_float`: layers that a method leaves in float32, shared by those that can."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BeforeValidator, Field

from quantbench.errors import UnavailableError, UnknownNameError
from quantbench.system.record import Settings
from quantbench.tasks.records import FUNCTIONAL, Layer

ASKED = "leave_float asks for it"
"""The reason of a layer that was left float on demand."""


def listed(value: object) -> object:
    """Turn text, "features.0,classifier.*" or a JSON list, into names; leave a list as it is.

    A name that holds a comma stands in a JSON list, as a settings file's list is handed on.
    """
    if not isinstance(value, str):
        return value
    if value == "[]" or value.startswith('["'):
        return json.loads(value)
    return [part.strip() for part in value.split(",") if part.strip()]


class LeaveFloatSettings(Settings):
    """The setting of methods that can leave layers float."""

    leave_float: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(
        (), description="layers that stay float32: names, or patterns such as features.*"
    )


def left_by(patterns: Iterable[str], layers: Iterable[Layer]) -> tuple[str, ...]:
    """The layers that multiply and that a name or pattern stands for, in the network's order.

    `*`, `?` and `[...]` are those of a shell; a layer's own name always stands for it. Raises
    UnknownNameError for a pattern that stands for none.
    """
    names = [layer.name for layer in layers if layer.macs]
    chosen: set[str] = set()
    for pattern in patterns:
        matching = {name for name in names if is_left(name, (pattern,))}
        if not matching:
            raise UnknownNameError("layer", pattern, names, "leave_float")
        chosen |= matching
    return tuple(name for name in names if name in chosen)


def modules_left_by(patterns: Iterable[str], layers: Iterable[Layer]) -> tuple[str, ...]:
    """The same for a method that leaves modules float, and nothing but modules.

    Raises UnavailableError where what functions multiply outside of modules is to stay float.
    """
    chosen = left_by(patterns, layers)
    if FUNCTIONAL in chosen:
        raise UnavailableError(
            "leave_float names what functions multiply outside of any module, and this method can "
            "leave modules float, no functions"
        )
    return chosen


def is_left(layer: str, patterns: Iterable[str]) -> bool:
    """Whether a name or pattern stands for a layer."""
    return any(layer == pattern or fnmatchcase(layer, pattern) for pattern in patterns)
