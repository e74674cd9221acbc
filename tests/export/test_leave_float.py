"""Names and patterns of layers that stay float, and the nodes of a graph that go with them."""

from __future__ import annotations

import onnx
import pytest
from onnx import helper

from quantbench.errors import UnavailableError, UnknownNameError
from quantbench.export.float_nodes import float_nodes
from quantbench.export.leave_float import LeaveFloatSettings, left_by, modules_left_by
from quantbench.settings.values import parse_settings
from quantbench.tasks.records import FUNCTIONAL, Layer


def layer(name: str, macs: int = 10) -> Layer:
    return Layer(name=name, kind="Linear", output_shape=(1,), parameters=1, macs=macs)


NAMED = (layer("features.0"), layer("features.1", macs=0), layer("features.10"), layer("a[0],b"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("[]", ()),
        ("features.0", ("features.0",)),
        ("head.*, features.0", ("head.*", "features.0")),
        ('["a[0],b", "head"]', ("a[0],b", "head")),
        ("[ab].fc", ("[ab].fc",)),
    ],
)
def test_text_names_several(text: str, names: tuple[str, ...]) -> None:
    settings = parse_settings(LeaveFloatSettings, "setting", {"leave_float": text})
    assert settings.leave_float == names
    stored = settings.model_dump(mode="json")
    assert LeaveFloatSettings.model_validate(stored) == settings


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("features.*", ("features.0", "features.10")),
        ("features.?", ("features.0",)),
        ("a[0],b", ("a[0],b",)),
        ("*", ("features.0", "features.10", "a[0],b")),
    ],
)
def test_a_pattern_stands_for_layers_that_multiply(pattern: str, names: tuple[str, ...]) -> None:
    assert left_by((pattern, pattern), NAMED) == names


def test_a_name_that_stands_for_none_gets_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"'feature\.0' in leave_float; did you mean 'feat"):
        left_by(("feature.0",), NAMED)
    with pytest.raises(UnknownNameError, match=r"features\.1'"):
        left_by(("features.1",), NAMED)  # it multiplies nothing


def test_functions_are_no_module() -> None:
    layers = (*NAMED, layer(FUNCTIONAL))
    assert left_by((FUNCTIONAL,), layers) == (FUNCTIONAL,)
    with pytest.raises(UnavailableError, match="outside of any module"):
        modules_left_by((FUNCTIONAL,), layers)


@pytest.mark.parametrize(
    ("left", "nodes"),
    [
        ((), set()),
        (("a",), {"a", "before"}),
        (("b",), {"b"}),
        (("a", "b"), {"a", "b", "before"}),
        (("b", "c"), {"b", "c", "sum", "after"}),
        (("a", "b", "c"), {"a", "b", "c", "before", "between", "sum", "after"}),
    ],
)
def test_what_lies_between_float_layers_alone_stays_float(
    left: tuple[str, ...], nodes: set[str]
) -> None:
    """before -> a -> between -> b -> sum -> after, and between -> c -> sum."""
    graph = helper.make_graph(
        [
            helper.make_node("MaxPool", ["x"], ["p"], "before", kernel_shape=[1, 1]),
            helper.make_node("Conv", ["p", "a.weight"], ["a"], "a"),
            helper.make_node("Relu", ["a"], ["r"], "between"),
            helper.make_node("Conv", ["r", "b.weight"], ["b"], "b"),
            helper.make_node("Conv", ["r", "c.weight"], ["c"], "c"),
            helper.make_node("Add", ["b", "c"], ["s"], "sum"),
            helper.make_node("Relu", ["s"], ["y"], "after"),
        ],
        "branches",
        [],
        [],
    )
    model = helper.make_model(graph)
    by_name: dict[str, list[onnx.NodeProto]] = {
        node.name: [node] for node in graph.node if node.op_type == "Conv"
    }
    assert set(float_nodes(model, by_name, left)) == nodes
