"""The outputs of a module: flattened to named tensors, and how to reach each of them."""

from __future__ import annotations

import dataclasses
import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, fx, nn

from quantbench.errors import NetworkError
from quantbench.tasks.module_copy import kind_of

OUTPUT = "output"


@dataclass(frozen=True)
class PathStep:
    """One step from a container to a value in it: an item's key or an attribute's name."""

    key: str | int
    is_attribute: bool = False


@dataclass(frozen=True)
class NamedOutput:
    """A tensor among a module's outputs and the steps that lead to it; none for a lone tensor."""

    path: tuple[PathStep, ...]
    tensor: Tensor

    @property
    def name(self) -> str:
        """An identifier made of the keys on the way: "logits", "output_1", "aux_0"."""
        text = "_".join(str(step.key) for step in self.path)
        return identifier(f"{OUTPUT}_{text}".rstrip("_") if not text[:1].isalpha() else text)


def outputs_of(value: object, module: nn.Module) -> tuple[NamedOutput, ...]:
    """Flatten what a module returned: a tensor, or tuples, lists, mappings, dataclasses of them.

    None is passed over. Raises NetworkError for anything else.
    """
    found = tuple(_walk(value, (), module))
    if not found:
        raise NetworkError(f"{kind_of(module)} returns no tensor; return the output of its layers")
    return found


def unique_names(outputs: Sequence[NamedOutput]) -> tuple[str, ...]:
    """The names of outputs, with a number behind those that came before."""
    names = [output.name for output in outputs]
    return tuple(
        name if name not in names[:index] else f"{name}_{index}" for index, name in enumerate(names)
    )


def is_flat(value: object) -> bool:
    """Whether a module returned one tensor or a plain tuple of tensors, as runtimes give them."""
    if isinstance(value, Tensor):
        return True
    return type(value) is tuple and all(isinstance(item, Tensor) for item in value)


def adapted(
    module: nn.Module,
    inputs: Sequence[str],
    keywords: bool,
    paths: Sequence[tuple[PathStep, ...]],
) -> fx.GraphModule:
    """Wrap a module as "network" in one that takes tensors in order and returns a tuple of them.

    With `keywords` the inputs are passed by name. A lone path gives a tensor instead of a tuple.
    """
    root, graph = nn.Module(), fx.Graph()
    root.add_module("network", module)
    values = {name: graph.placeholder(name) for name in inputs}
    called = graph.call_module(
        "network",
        () if keywords else tuple(values.values()),
        values if keywords else {},  # type: ignore[arg-type]
    )
    reached = tuple(_reach(graph, called, path) for path in paths)
    graph.output(reached[0] if len(reached) == 1 else reached)
    return fx.GraphModule(root, graph, kind_of(module))


def identifier(text: str) -> str:
    """A text with underscores in place of what no identifier has."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    return name if name[:1].isalpha() else f"_{name.lstrip('_')}"


def _reach(graph: fx.Graph, node: fx.Node, path: tuple[PathStep, ...]) -> fx.Node:
    for step in path:
        take = getattr if step.is_attribute else operator.getitem
        node = graph.call_function(take, (node, step.key))
    return node


def _walk(value: object, path: tuple[PathStep, ...], module: nn.Module) -> Iterator[NamedOutput]:
    if isinstance(value, Tensor):
        yield NamedOutput(path, value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str | int):
                raise NetworkError(
                    f"{kind_of(module)} returns a mapping with the key {key!r:.60}; name its "
                    "outputs by strings"
                )
            yield from _walk(item, (*path, PathStep(key)), module)
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, PathStep(index)), module)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            step = PathStep(field.name, is_attribute=True)
            yield from _walk(getattr(value, field.name), (*path, step), module)
    elif value is not None:
        raise NetworkError(
            f"{kind_of(module)} returns a {type(value).__name__}; return a tensor, or a tuple, "
            "list, dict or dataclass of tensors"
        )
