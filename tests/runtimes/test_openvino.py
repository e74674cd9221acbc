from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import openvino
import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import ArtifactError
from quantbench.runtimes import openvino as runtime
from quantbench.system.machine import environment
from quantbench.tasks.task import Task
from tests.process import python

HOMELESS = """
import sys
from pathlib import Path
import numpy as np
import quantbench
import nncf, onnxruntime
from quantbench import plugins
from quantbench.artifacts.artifact import load_artifact
for name in ("openvino", "onnxruntime"):
    predict = plugins.runtime(name).load(load_artifact(Path(sys.argv[1])), 1)
    predict(np.zeros((2, 1, 32, 32), np.float32))
"""


def executed(artifact: Artifact) -> dict[str, str]:
    """Layer that multiplies -> the precision that its kernel works in, as OpenVINO tells."""
    core = openvino.Core()
    model = core.read_model(artifact.folder / "model.onnx")
    model.reshape((1, 1, 32, 32))
    compiled = core.compile_model(model, "CPU", runtime.options(1))
    told = [
        {key: value.value for key, value in node.get_rt_info().items()}
        for node in compiled.get_runtime_model().get_ordered_ops()
    ]
    return {
        name.partition("/")[0]: str(node["primitiveType"]).rpartition("_")[2]
        for node in told
        for name in str(node["originalLayersNames"]).split(",")
        if name.startswith(("node_conv2d", "node_linear"))
    }


def test_float_layers_run_in_float32_and_integer_ones_on_integers(
    artifacts: Callable[[str, str, str], Artifact],
) -> None:
    """Where the CPU has bfloat16, it would be OpenVINO's choice for float32.

    With AMX, OpenVINO keeps a convolution of one channel in float32.
    """
    plain = executed(artifacts("lenet", "float32", "onnx"))
    assert len(plain) == 5
    assert set(plain.values()) == {"f32"}
    quantized = executed(artifacts("lenet", "nncf_static", "onnx"))
    first = "f32" if "amx_int8" in environment().instruction_sets else "I8"
    assert quantized.pop("node_conv2d") == first
    assert len(quantized) == 4
    assert set(quantized.values()) == {"I8"}


def test_it_is_given_its_number_of_threads() -> None:
    assert runtime.options(2)["INFERENCE_NUM_THREADS"] == 2


def test_more_shapes_than_stay_compiled(
    artifacts: Callable[[str, str, str], Artifact], task: Task
) -> None:
    inputs = task.test.inputs()[0]
    predict = runtime.load(artifacts("lenet", "float32", "onnx"), 1)
    whole = predict(inputs)
    for count in (*range(1, runtime._SHAPES + 3), 1):
        np.testing.assert_allclose(predict(inputs[:count]), whole[:count], rtol=1e-5, atol=1e-5)
    backwards = inputs[::-1]
    assert not backwards.flags.c_contiguous
    np.testing.assert_allclose(predict(backwards), whole[::-1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kept", [0, 100, -40])
def test_a_damaged_file_is_refused_in_one_line(
    artifacts: Callable[[str, str, str], Artifact], tmp_path: Path, kept: int
) -> None:
    data = (artifacts("lenet", "float32", "onnx").folder / "model.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(data[:kept])
    with pytest.raises(ArtifactError, match=r"model\.onnx") as caught:
        runtime.load(cast(Artifact, SimpleNamespace(folder=tmp_path)), 1)
    assert len(str(caught.value).splitlines()) == 1


def test_what_openvino_can_not_read_is_refused_in_one_line(
    artifacts: Callable[[str, str, str], Artifact], tmp_path: Path
) -> None:
    data = (artifacts("lenet", "float32", "onnx").folder / "model.onnx").read_bytes()
    assert b"AveragePool" in data
    (tmp_path / "model.onnx").write_bytes(data.replace(b"AveragePool", b"AveragePond"))
    with pytest.raises(ArtifactError, match=r"OpenVINO .* can't load") as caught:
        runtime.load(cast(Artifact, SimpleNamespace(folder=tmp_path)), 1)
    assert len(str(caught.value).splitlines()) == 1


def test_engines_leave_nothing_in_the_home(
    artifacts: Callable[[str, str, str], Artifact], tmp_path: Path
) -> None:
    """Each of the three would write an identity there at its import, to report by."""
    home = tmp_path / "home"
    home.mkdir()
    folder = str(artifacts("lenet", "float32", "onnx").folder)
    child = python("-W", "ignore", "-c", HOMELESS, folder, cwd=tmp_path, HOME=str(home))
    assert child.returncode == 0, child.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == []
