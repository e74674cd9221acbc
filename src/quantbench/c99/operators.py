"""The operators of ONNX that are read: a file of ops/ each, found by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import Network, OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError

_FOLDER = Path(__file__).parent / "ops"
_MODULES = (
    "quantbench.c99.ops.*", "quantbench.c99.ops.elementwise.*", "quantbench.c99.ops.shapes.*",
)  # fmt: skip
"""system/fingerprint.py reads from these names what a stored step depends on."""
TEMPLATE = "TEMPLATE"


class Operator(Protocol):
    """The contents of a file of ops/: see ops/TEMPLATE.py."""

    NAME: str
    INPUTS: tuple[int, int]
    ATTRIBUTES: frozenset[str]

    @staticmethod
    def from_onnx(context: Context, node: OnnxNode) -> Value:
        """The value of the node's output. Raises CompileError for a use that isn't supported."""


@cache
def operators() -> Mapping[str, Operator]:
    """Name in ONNX -> operator, sorted by name."""
    loaded = [load(name) for name in file_names()]
    return {
        operator.NAME: operator for operator in sorted(loaded, key=lambda operator: operator.NAME)
    }


def file_names() -> Iterator[str]:
    """The files of ops/ that are operators, as modules below it: `add`, `elementwise.sigmoid`."""
    for modules in _MODULES:
        below = modules.removeprefix(_MODULES[0].removesuffix("*")).removesuffix("*")
        for path in sorted((_FOLDER / below.rstrip(".")).glob("*.py")):
            if path.stem != TEMPLATE and not path.stem.startswith("_"):
                yield f"{below}{path.stem}"


def load(name: str) -> Operator:
    """Import the operator in the module NAME below ops/."""
    return cast(Operator, import_module(_MODULES[0].replace("*", name)))


def require_known(network: Network) -> None:
    """Raise CompileError for the first unsupported operator, before any other fault is reported."""
    for node in network.nodes:
        if node.op not in operators():
            checked(node)
    if network.unsupported:
        raise CompileError(network.unsupported)


def checked(node: OnnxNode) -> Operator:
    """The operator of a node, checked against the node's inputs and attributes.

    Raises CompileError where the operator, the number of inputs or an attribute isn't supported.
    """
    known = operators()
    if node.op not in known:
        within = [name for name in known if name in node.op]
        near = [*dict.fromkeys([*within, *get_close_matches(node.op, known, n=3)])]
        supported = f"{', '.join(near)} {'is' if len(near) == 1 else 'are'}"
        listed = "docs/compiling.md lists the operators that are"
        raise CompileError(f"{node.where}: it isn't supported; {supported if near else listed}")
    operator, count = known[node.op], len(node.inputs)
    min_, max_ = operator.INPUTS
    if not min_ <= count <= max_ or not all(node.inputs[:min_]):
        raise CompileError(f"{node.where}: {count} inputs; {min_} to {max_} are supported")
    if unknown := sorted(node.attributes.keys() - operator.ATTRIBUTES):
        supported = ", ".join(sorted(operator.ATTRIBUTES)) or "none"
        raise CompileError(f"{node.where}: attribute {unknown[0]!a:.40}; supported: {supported}")
    return operator
