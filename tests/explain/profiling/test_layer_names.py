from __future__ import annotations

from quantbench.explain.profiling.layer_names import layers_of
from quantbench.explain.profiling.operators import Operator
from quantbench.explain.records import Part
from quantbench.numerics.coverage import LayerNumerics


def layer(name: str) -> LayerNumerics:
    return LayerNumerics.in_float32(name, "Conv2d", 10, "tested")


def operator(*sources: str, part: Part = "float") -> Operator:
    return Operator(name="node", kind="Conv", part=part, sources=sources)


def told(operators: list[Operator], *names: str) -> list[str]:
    found = layers_of(operators, [layer(name) for name in names])
    return ["+".join(layer.name for layer in layers) for layers in found]


def test_layers_are_found_by_names_and_not_by_parts_of_them() -> None:
    operators = [
        operator("node_conv_1", "layer1.0.conv1.weight_quantized"),
        operator("/layer1.0/conv10/Conv"),
        operator("layer1_0_conv1.1"),
    ]
    assert told(operators[:2], "layer1.0.conv10", "layer1.0.conv1") == [
        "layer1.0.conv1",
        "layer1.0.conv10",
    ]
    assert told([operator("features.30.weight")], "features.3", "features.30") == ["features.30"]


def test_a_node_that_a_runtime_made_of_two_layers_has_both() -> None:
    both = operator("classifier.0.weight", "classifier.2.weight")
    assert told([both], "classifier.0", "classifier.2") == ["classifier.0+classifier.2"]


def test_operators_without_names_are_the_layers_that_are_left_over_in_their_order() -> None:
    operators = [
        operator(),
        operator("relu", part="other"),
        operator("b.weight"),
        operator(part="integer"),
    ]
    assert told(operators, "a", "b", "c") == ["a", "", "b", "c"]


def test_nothing_is_guessed_where_the_counts_differ() -> None:
    assert told([operator(), operator()], "a", "b", "c") == ["", ""]
    assert told([operator("a.weight"), operator()], "a", "b", "c") == ["a", ""]
