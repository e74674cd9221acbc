"""LiteRT run to the end of each operator: what is cut off, and what is told of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.tflite_file import MODEL, checked, read_graph
from quantbench.errors import UnavailableError
from quantbench.explain.profiles import litert
from tests.tflite import files


def artifact(name: str, folder: Path) -> Artifact:
    shutil.copy(files.path(name), folder / MODEL)
    return cast(Artifact, SimpleNamespace(folder=folder))


def test_each_part_ends_with_what_the_whole_holds_there() -> None:
    """LiteRT's reference kernels keep every tensor of the whole model."""
    path = files.path("ds_cnn")
    graph = read_graph(path)
    (array,) = files.samples("ds_cnn", 1)
    whole = Interpreter(
        str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    whole.allocate_tensors()
    whole.set_tensor(whole.get_input_details()[0]["index"], array)
    whole.invoke()
    parts = litert.prefixes(checked(path), graph)
    assert len(parts) == len(graph.operators)
    for part, operator in zip(parts, graph.operators, strict=True):
        interpreter = Interpreter(model_content=part)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], array)
        interpreter.invoke()
        ours = interpreter.get_tensor(interpreter.get_output_details()[-1]["index"])
        np.testing.assert_allclose(ours, whole.get_tensor(operator.outputs[-1]), atol=1e-4)


def test_operators_in_their_order_with_layers_by_name(tmp_path: Path) -> None:
    inputs = files.samples("mlp", 4)
    session = litert.start(artifact("mlp", tmp_path), 1, inputs, tmp_path)
    session.predict(*inputs)
    profile = session.finish()
    kinds = [operator.kind for operator in read_graph(files.path("mlp")).operators]
    assert [operator.kind for operator in profile.operators] == kinds
    products = [operator for operator in profile.operators if operator.multiplies]
    assert [operator.kind for operator in products] == kinds[: len(products)]
    assert {operator.part for operator in products} == {"float"}
    assert all(operator.sources for operator in products)
    assert profile.us.shape == (1, len(kinds))
    assert profile.us.sum() > 0


def test_what_each_end_takes_longer() -> None:
    times = np.array([[3.0, 5.0, 4.5, 9.0]] * 4)
    assert litert.longer(times) == [3.0, 2.0, 0.0, 4.5]


def test_more_operators_than_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litert, "MAX_OPERATORS", 1)
    with pytest.raises(UnavailableError, match=r"has \d+ operators"):
        litert.start(artifact("mlp", tmp_path), 1, files.samples("mlp", 1), tmp_path)
