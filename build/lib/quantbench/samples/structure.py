"""Tell inputs from targets in what a user hands over: x, (x, y), ((x1, x2), y) or names."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from quantbench.errors import SamplesError

INPUT_NAMES = ("x", "inputs", "input", "images", "image", "features", "data")
TARGET_NAMES = ("y", "labels", "label", "targets", "target")
_NUMBERED = re.compile(r"(?:x|inputs?)_?(\d{1,3})$")


@dataclass(frozen=True)
class Parts:
    """The inputs of a network, one value each, and the targets; None where there are none."""

    inputs: tuple[object, ...]
    targets: object | None


def parts_of(value: object, what: str, names: Sequence[str] = ()) -> Parts:
    """Split a value into inputs and targets.

    A tuple, or a list of arrays, is a structure; any other value is the one input. A pair is
    inputs and targets. `names` are the network's inputs, where they are known: with several of
    them, (x1, x2) and (x1, x2, y) are understood as well. Raises SamplesError.
    """
    if isinstance(value, Mapping):
        chosen, target = choose(value.keys(), what, names)
        return Parts(
            tuple(value[name] for name in chosen), None if target is None else value[target]
        )
    if not is_structure(value):
        return _counted(Parts((value,), None), what, names)
    items = tuple(value)
    flat = len(names) > 1 and not (isinstance(items[0], Mapping) or is_structure(items[0]))
    if flat and len(items) in (len(names), len(names) + 1):
        targets = items[len(names)] if len(items) > len(names) else None
        return Parts(items[: len(names)], targets)
    if len(items) > 2:
        raise SamplesError(
            f"{what} is a tuple of {len(items)}; give x, (x, y), or ((x1, x2), y) for a network "
            "with several inputs"
        )
    inputs = _inputs_of(items[0], what, names)
    return _counted(Parts(inputs, items[1] if len(items) > 1 else None), what, names)


def choose(
    keys: Iterable[object], what: str, names: Sequence[str] = (), target: str | None = None
) -> tuple[tuple[str, ...], str | None]:
    """Choose the inputs and the targets among named arrays.

    Inputs are those that have the names of the network's inputs, else the one that has a usual
    name or is the only one left, else those that are numbered (x1, x2 ...; input_0, input_1 ...).
    Raises SamplesError, which says the names that there are.
    """
    there = [str(key) for key in keys]
    listed = f"{what} holds {', '.join(there[:20]) or 'nothing'}"
    if target is not None and target not in there:
        raise SamplesError(f"{listed}: no '{target}' for the targets")
    labels = [name for name in TARGET_NAMES if name in there and name not in names]
    if target is None and len(labels) > 1:
        raise SamplesError(f"{listed}: say which of {' and '.join(labels)} are the targets")
    chosen = target or (labels[0] if labels else None)
    if names and all(name in there for name in names):
        return tuple(names), chosen
    usual = [name for name in INPUT_NAMES if name in there and name != chosen]
    left = [name for name in there if name not in (chosen, *TARGET_NAMES)]
    for candidates in (usual, left):
        if len(candidates) == 1 and len(names) < 2:
            return (candidates[0],), chosen
    numbered = sorted((int(match[1]), name) for name in left if (match := _NUMBERED.match(name)))
    if numbered and len(names) in (0, len(numbered)):
        return tuple(name for _, name in numbered), chosen
    wanted = f"the network's inputs ({', '.join(names)})" if names else "x"
    raise SamplesError(f"{listed}: name the arrays {wanted} and y")


def is_structure(value: object) -> TypeGuard[Sequence[object]]:
    """Whether a value is a tuple, or a list that holds arrays rather than numbers."""
    if isinstance(value, tuple):
        return bool(value)
    return isinstance(value, list) and bool(value) and all(map(_is_part, value))


def is_array(value: object) -> bool:
    """Whether a value is a NumPy array or a PyTorch tensor."""
    torch = sys.modules.get("torch")
    return isinstance(value, np.ndarray) or (torch is not None and isinstance(value, torch.Tensor))


def _is_part(value: object) -> bool:
    return value is None or is_array(value) or isinstance(value, Mapping) or is_structure(value)


def _inputs_of(value: object, what: str, names: Sequence[str]) -> tuple[object, ...]:
    if isinstance(value, Mapping):
        if not names:
            return tuple(value.values())
        if missing := [name for name in names if name not in value]:
            raise SamplesError(f"{what} has no '{missing[0]}', which the network takes")
        return tuple(value[name] for name in names)
    return tuple(value) if is_structure(value) else (value,)


def _counted(parts: Parts, what: str, names: Sequence[str]) -> Parts:
    if names and len(parts.inputs) != len(names):
        raise SamplesError(
            f"{what} gives {len(parts.inputs)} inputs; the network takes {len(names)}: "
            f"{', '.join(names)}"
        )
    return parts
