"""Every file of ops/: what TEMPLATE.py asks for, held against ONNX's own description."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from quantbench.c99 import ops
from quantbench.c99.frontend.reader import OPSETS, OnnxNode
from quantbench.c99.ir.graph import Node
from quantbench.c99.operators import TEMPLATE, Operator, checked, file_names, load, operators
from quantbench.errors import CompileError

FOLDER = Path(ops.__path__[0])
STEMS = [*file_names()]


@pytest.fixture(params=STEMS)
def operator(request: pytest.FixtureRequest) -> Operator:
    return load(request.param)


def schemas(name: str) -> Iterator[onnx.defs.OpSchema]:
    """ONNX's own descriptions of an operator, in all versions that are read."""
    for opset in OPSETS:
        if onnx.defs.has(name, opset):
            yield onnx.defs.get_schema(name, opset)


def kinds(base: type[Node] = Node) -> Iterator[type[Node]]:
    """The kinds of nodes that can be made."""
    for kind in base.__subclasses__():
        if not inspect.isabstract(kind):
            yield kind
        yield from kinds(kind)


def test_the_template_is_no_operator() -> None:
    assert TEMPLATE not in STEMS
    files = {
        ".".join(path.relative_to(FOLDER).with_suffix("").parts) for path in FOLDER.rglob("*.py")
    }
    assert {name for name in files if not name.endswith("__init__")} == {*STEMS, TEMPLATE}


@pytest.mark.parametrize("stem", STEMS)
def test_the_name_is_that_of_the_file(stem: str) -> None:
    name = load(stem).NAME
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() == stem.rpartition(".")[2]
    assert operators()[name] is load(stem)


def test_it_has_what_the_template_has(operator: Operator) -> None:
    template = load(TEMPLATE)
    public = {name for name in vars(template) if name.isupper() or name == "from_onnx"}
    assert public <= vars(operator).keys()
    wanted, own = (inspect.signature(one.from_onnx) for one in (template, operator))
    assert own == wanted
    assert (inspect.getdoc(operator) or "").startswith(f"{operator.NAME}: ")


def test_inputs_and_attributes_are_those_of_onnx(operator: Operator) -> None:
    known = [*schemas(operator.NAME)]
    min_, max_ = operator.INPUTS
    assert min(schema.min_input for schema in known) <= min_ <= max_
    assert max_ <= max(schema.max_input for schema in known)
    assert {name for schema in known for name in schema.attributes} >= operator.ATTRIBUTES


def test_what_the_file_does_not_name_is_refused(operator: Operator) -> None:
    min_, max_ = operator.INPUTS
    names = ["x"] * min_
    with pytest.raises(CompileError, match=f"inputs; {min_} to {max_} are supported"):
        checked(OnnxNode("n", operator.NAME, ("x",) * (max_ + 1), ("y",), {}))
    with pytest.raises(CompileError, match="attribute 'color'; supported: "):
        checked(OnnxNode("n", operator.NAME, tuple(names), ("y",), {"color": 1}))


@pytest.mark.parametrize("stem", [*STEMS, TEMPLATE])
def test_no_operator_reads_another(stem: str) -> None:
    """What two of them share lies one room below."""
    tree = ast.parse((FOLDER / f"{stem.replace('.', '/')}.py").read_text("utf-8"))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [module for module in modules if module.startswith("quantbench.c99.ops")]


def test_a_kind_of_node_is_a_frozen_record_in_its_room() -> None:
    assert operators()
    found = [*kinds()]
    assert {"Add", "Concat", "Conv", "Dense", "Pad", "Pool"} <= {kind.__name__ for kind in found}
    for kind in found:
        assert dataclasses.is_dataclass(kind)
        assert kind.__dataclass_params__.frozen
        assert kind.__module__.startswith(("quantbench.c99.nodes.", "quantbench.c99.ops."))
