"""What can't be computed in integers is named, in one line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.c99.importer import import_onnx
from quantbench.errors import ArtifactError, CompileError
from tests.c99.models import Model

Build = Callable[[Model], object]
_ONES = np.ones((3, 2, 2, 2))


def refused(path: Path, *words: str) -> None:
    with pytest.raises(CompileError) as caught:
        import_onnx(path)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    for word in words:
        assert word in text, text


def float_layer(model: Model) -> None:
    model.add("Conv", None, model.constant(_ONES))


def float_between(model: Model) -> None:
    model.conv()
    model.conv(np.ones((1, 3, 1, 1)))
    model.pair()


def float_sum(model: Model) -> None:
    model.add("Add", model.last, model.last)


def two_scales(model: Model) -> None:
    """By row."""
    model.pair(None, [0.5, 0.25, 1.0, 2.0], [0, 0, 0, 0], axis=2)


def two_zero_points(model: Model) -> None:
    """A Conv that sums over channels of different zero points."""
    model.pair()
    model.pair(None, [0.5, 0.5], [0, 3], axis=1)
    model.conv()


def integers_of_two_zero_points(model: Model) -> None:
    scale, zero = model.constant([0.5, 0.25]), model.constant([0, 3], "uint8")
    model.add("QuantizeLinear", None, scale, zero, axis=1)


def moved_integers(model: Model) -> None:
    integers_of_two_zero_points(model)
    model.add("Transpose", perm=[0, 1, 3, 2])


def weights_of_scales(model: Model) -> None:
    """A Conv that sums over channels of different scales."""
    model.pair(None, [0.5, 0.25], [0, 0], axis=1)
    model.conv()


def sum_of_scales(model: Model) -> None:
    before = model.last
    model.pair(None, [0.5, 0.25], [0, 0], axis=1)
    model.add("Add", None, before)
    model.pair()


def weights_of(type: str) -> Build:
    def build(model: Model) -> None:
        model.add("Conv", None, model.weights(_ONES, 0.1, 0, type))

    return build


def weight_scale(scale: object, **more: int) -> Build:
    def build(model: Model) -> None:
        zero = np.zeros(np.shape(scale))
        model.add("Conv", None, model.weights(_ONES, scale, zero, **more))

    return build


def activation(**given: object) -> Build:
    return lambda model: model.pair(None, **given)


def node(op: str, *constants: object, dtype: str = "float32", **attributes: object) -> Build:
    def build(model: Model) -> None:
        given = [model.constant(one, dtype) for one in constants]
        model.add(op, None, *given, **attributes)
        model.pair()

    return build


def zero_of_another_type(model: Model) -> None:
    scale = model.constant(0.5)
    model.add("QuantizeLinear", None, scale, model.constant(0, "uint8"))
    model.add("DequantizeLinear", None, scale, model.constant(0, "int8"))


def another_scale(model: Model) -> None:
    zero = model.constant(0, "uint8")
    model.add("QuantizeLinear", None, model.constant(0.5), zero)
    model.add("DequantizeLinear", None, model.constant(0.25), zero)


def nan_bias(model: Model) -> None:
    model.add("Conv", None, model.weights(_ONES), model.constant([np.nan, 0, 0]))


def many_terms(model: Model) -> None:
    """80,000 products of 255 and 127 pass 2**31."""
    model.add("Pad", None, model.constant([0, 0, 0, 0, 0, 0, 396, 96], "int64"))
    model.pair()
    model.add("Flatten")
    model.add("MatMul", None, model.weights(np.full((2 * 400 * 100, 1), -127)))
    model.pair()


def pooled_past_a_word(model: Model) -> None:
    """No sum passes 32 bits, that of 100 x 100 of them would."""
    model.add("Pad", None, model.constant([0, 0, 0, 0, 0, 0, 96, 96], "int64"))
    model.pair()
    model.conv(np.full((1, 2, 1, 4), 127), pads=[0, 1, 0, 2])
    model.add("GlobalAveragePool")
    model.pair()


def softmax_within(model: Model) -> None:
    model.add("Flatten")
    model.add("Softmax")
    model.add("Relu")


def other_shapes(model: Model) -> None:
    before = model.last
    model.add("AveragePool", kernel_shape=[1, 3])
    model.add("Add", before, model.pair())


def second_output(model: Model) -> None:
    model.add("MaxPool", kernel_shape=[1, 1], outputs=2)
    model.last += "."
    model.add("Relu")


def normalized_by_the_batch(model: Model) -> None:
    given = [model.constant([1.0, 1.0]) for _ in range(4)]
    model.add("BatchNormalization", None, *given, training_mode=1)


def of_two_tensors(op: str) -> Build:
    def build(model: Model) -> None:
        before = model.last
        model.conv(np.ones((2, 2, 1, 1)))
        model.add(op, before, model.pair())

    return build


REFUSED: dict[str, tuple[Build, tuple[str, ...]]] = {
    "operator": (
        node("Hardmax"), ("hardmax2 (Hardmax)", "isn't supported", "docs/compiling.md lists"),
    ),
    "operator like others": (
        node("GlobalLpPool"), ("(GlobalLpPool)", "isn't supported; ", "GlobalMaxPool"),
    ),
    "float layer": (float_layer, ("conv2 (Conv)", "its weights aren't quantized", "int8")),
    "float between": (float_between, ("(Conv)", "from conv3 (Conv)", "isn't quantized")),
    "float sum": (float_sum, ("add2 (Add)", "output isn't quantized", "last Conv, Gemm")),
    "weights of 16 bits": (weights_of("int16"), ("(DequantizeLinear)", "int16", "int8")),
    "activations of 16 bits": (activation(type="uint16", zero=0), ("uint16", "(QuantizeLinear)")),
    "scales of an activation": (two_scales, ("4 scales of an activation", "one for the tensor")),
    "zero points that a layer sums over": (two_zero_points, ("(Conv)", "isn't quantized")),
    "zero points of the output": (integers_of_two_zero_points, ("integers of one zero point",)),
    "zero points of moved integers": (moved_integers, ("a zero point for each channel",)),
    "scales that a sum needs": (weights_of_scales, ("(Conv)", "before a depthwise Conv")),
    "scales of a sum": (sum_of_scales, ("(Add)", "a scale for each channel")),
    "scale of float16": (
        lambda m: m.add("QuantizeLinear", None, m.constant(0.5, "float16")), ("float16", "float32"),
    ),
    "scale zero": (activation(scale=0.0), ("positive",)),
    "scale negative": (activation(scale=-1.0), ("positive",)),
    "scale nan": (activation(scale=np.nan), ("positive",)),
    "scale infinite": (activation(scale=np.inf), ("positive",)),
    "weight scale zero": (weight_scale([0.1, 0.0, 0.1], axis=0), ("positive",)),
    "weight scales by input": (
        weight_scale([0.1, 0.1], axis=1), ("conv3 (Conv)", "axis 1", "axis 0, the output"),
    ),
    "weight scales that don't fit": (weight_scale([0.1] * 4, axis=0), ("4 scales don't fit",)),
    "zero point of another type": (zero_of_another_type, ("aren't those of its QuantizeLinear",)),
    "another scale": (another_scale, ("aren't those of its QuantizeLinear",)),
    "tiny output scale": (
        lambda m: (m.conv(), m.pair(None, scale=1e-12)), ("conv3 (Conv)", "too small"),
    ),
    "bias nan": (nan_bias, ("conv3 (Conv)", "bias isn't finite")),
    "long sum": (many_terms, ("(MatMul)", "32 bits don't hold")),
    "pooled sum": (pooled_past_a_word, ("(Conv)", "32 bits don't hold")),
    "transpose": (
        node("Transpose", perm=[1, 0, 2, 3]), ("transpose2 (Transpose)", "moves the batch"),
    ),
    "ceil_mode": (
        node("AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, count_include_pad=1),
        ("ceil_mode",),
    ),
    "kernel wider than its input": (node("MaxPool", kernel_shape=[5, 5]), ("window of 5",)),
    "pads as wide as the kernel": (
        node("MaxPool", kernel_shape=[2, 2], pads=[2, 0, 0, 0]), ("pads smaller",),
    ),
    "mean of the batch": (node("ReduceMean", axes=[0]), ("(ReduceMean)", "behind the batch")),
    "negative pads": (
        node("Pad", [0, 0, -1, 0, 0, 0, 0, 0], dtype="int64"), ("pads of 0 and more",),
    ),
    "pads of channels": (
        node("Pad", [0, 1, 0, 0, 0, 0, 0, 0], dtype="int64"), ("height and width",),
    ),
    "reflection": (
        node("Pad", [0, 0, 1, 1, 0, 0, 1, 1], dtype="int64", mode="reflect"), ("mode constant",),
    ),
    "batch folded away": (node("Reshape", [1, -1], dtype="int64"), ("keep the batch in front",)),
    "batch flattened": (node("Flatten", axis=0), ("keep the batch in front",)),
    "shape of another size": (node("Reshape", [-1, 31], dtype="int64"), ("same size",)),
    "concat of batches": (
        lambda m: m.add("Concat", m.last, m.last, axis=0), ("concat2 (Concat)", "behind the batch"),
    ),
    "other shapes": (other_shapes, ("(Add)", "agree but for sizes of 1")),
    "groups": (
        lambda m: m.conv(np.ones((3, 1, 1, 1)), group=2), ("conv3 (Conv)", "in 2 groups", "2 ch"),
    ),
    "kernel of one dimension": (lambda m: m.conv(np.ones((3, 2, 2))), ("4 dimensions",)),
    "unknown attribute": (lambda m: m.conv(activation="Relu"), ("'activation'", "dilations")),
    "attribute of another type": (lambda m: m.conv(group=1.5), ("group is of another type",)),
    "auto_pad": (lambda m: m.conv(auto_pad="SAME"), ("auto_pad NOTSET, VALID",)),
    "softmax within": (softmax_within, ("relu4 (Relu)", "Softmax", "at the end only")),
    "second output": (second_output, ("(Relu)", "second output")),
    "normalized by the batch": (normalized_by_the_batch, ("(BatchNormalization)", "training_mode")),
    "quotient": (of_two_tensors("Div"), ("(Div)", "divisor that is constant")),
    "difference": (of_two_tensors("Sub"), ("(Sub)", "subtrahend that is constant")),
    "numbers for other places": (node("Mul", np.ones((4, 3))), ("(Mul)", "[4, 3] doesn't fit")),
    "division by zero": (node("Div", [[[1.0]], [[0.0]]]), ("(Div)", "divides by 0")),
    "clip nan": (node("Clip", np.nan), ("(Clip)", "aren't numbers")),
    "clip turned": (node("Clip", 2.0, 1.0), ("(Clip)", "above its upper")),
    "integers": (
        lambda m: m.add("Relu", m.nodes[0].output[0]), ("(Relu)", "reads integers"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_supported_is_named(tmp_path: Path, case: str) -> None:
    model = Model()
    model.pair("x")
    build, words = REFUSED[case]
    build(model)
    refused(model.saved(tmp_path), *words)


@pytest.mark.parametrize(
    "shape", [("n", 2, "h", 4), ("n", 2, 4, 4, 4), ("n", 2, 0, 4), (), ("n", 2, -1, 4)]
)
def test_only_the_batch_may_be_open(tmp_path: Path, shape: tuple[int | str, ...]) -> None:
    model = Model(shape)
    model.pair("x")
    refused(model.saved(tmp_path), "input x")


def changed(folder: Path, change: Callable[[onnx.ModelProto], object]) -> Path:
    model = Model()
    model.pair("x")
    model.conv()
    built = model.built()
    change(built)
    path = folder / "model.onnx"
    path.write_bytes(built.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.graph.input.append(m.graph.input[0]), "2 inputs"),
        (lambda m: m.graph.output.append(m.graph.output[0]), "2 outputs"),
        (lambda m: m.graph.input[0].type.tensor_type.__setattr__("elem_type", 10), "float32"),
        (lambda m: m.opset_import[0].__setattr__("version", 9), "operator set 9"),
        (lambda m: m.opset_import[0].__setattr__("version", 99), "operator set 99"),
        (lambda m: m.graph.node.append(m.graph.node[-1]), "made twice"),
        (lambda m: m.graph.node.insert(0, m.graph.node[-1]), "isn't made before it"),
        (lambda m: m.graph.node[-1].__setattr__("domain", "com.x"), "com.x.Conv"),
        (lambda m: m.graph.initializer.append(m.graph.initializer[0]), "one name"),
        (lambda m: m.graph.output[0].__setattr__("name", "none"), "isn't made by any node"),
        (lambda m: m.graph.output[0].__setattr__("name", "x"), "doesn't depend on its quantized"),
        (lambda m: m.graph.initializer[2].dims.append(7), "doesn't hold what its shape says"),
        (lambda m: m.graph.initializer[2].dims.append(2**50), "too large"),
        (lambda m: m.graph.initializer[2].dims.append(-1), "too large"),
        (lambda m: m.graph.initializer[2].__setattr__("data_type", TensorProto.INT4), "int4"),
        (lambda m: m.graph.initializer[2].__setattr__("data_type", 4711), "unknown"),
        (lambda m: m.functions.add(), "functions"),
    ],
)  # fmt: skip
def test_a_network_of_another_make_is_refused(
    tmp_path: Path, change: Callable[[onnx.ModelProto], object], words: str
) -> None:
    path = changed(tmp_path, change)
    with pytest.raises(CompileError) as caught:
        import_onnx(path)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert words in text, text


def test_the_same_network_unchanged_is_imported(tmp_path: Path) -> None:
    import_onnx(changed(tmp_path, lambda model: model.graph))


def test_a_name_is_shown_on_one_short_line(tmp_path: Path) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[-1].name = "a\nb\x1b[31m" + 1000 * "c"
        model.graph.node[-1].op_type = "Hardmax"

    refused(changed(tmp_path, change), "a?b?[31m" + 50 * "c", "c (Hardmax): ")


def test_a_zero_point_beyond_its_type_is_refused(tmp_path: Path) -> None:
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[1]
        tensor.ClearField("raw_data")
        tensor.int32_data.append(300)

    with pytest.raises(CompileError, match="doesn't hold what its shape says"):
        import_onnx(changed(tmp_path, change))


def test_a_tensor_that_is_kept_elsewhere_is_refused(tmp_path: Path) -> None:
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../secret")

    (tmp_path / "secret").write_bytes(bytes(4))
    with pytest.raises(ArtifactError, match="refers to another file"):
        import_onnx(changed(tmp_path, change))


@pytest.mark.parametrize("data", [b"", b"\n", b"\x08\x0a", b"not a model", b"\xff" * 100])
def test_what_is_not_onnx_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(ArtifactError):
        import_onnx(path)


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda m: m.graph.node[-1].__setattr__("name", "QQQQ"))
    path.write_bytes(path.read_bytes().replace(b"QQQQ", b"\xff\xfe\xfd\xfc"))
    with pytest.raises(ArtifactError, match="isn't UTF-8"):
        import_onnx(path)


def test_no_folder_no_pipe_and_nothing_too_large_is_read(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(65 * 2**20)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, tmp_path / "none", pipe, large):
        with pytest.raises(ArtifactError):
            import_onnx(path)


def test_many_parts_are_refused_before_they_are_read(tmp_path: Path) -> None:
    """Empty nodes of two bytes would take a hundred each."""
    model = helper.make_model(helper.make_graph([], "g", [], []), ir_version=8)
    path = tmp_path / "model.onnx"
    graph = b"\x0a\x00" * (3 * 2**20)
    size = len(graph)
    varint = bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128, size >> 21])
    path.write_bytes(model.SerializeToString() + b"\x3a" + varint + graph)
    with pytest.raises(ArtifactError, match="bytes that aren't weights"):
        import_onnx(path)


def test_weights_that_are_read_again_and_again_are_counted(tmp_path: Path) -> None:
    model = Model(("n", 1, 1, 1))
    model.pair("x")
    stored, scale = model.constant(np.zeros((2**20, 1, 1, 1)), "int8"), model.constant(1.0)
    parts = []
    for _ in range(300):
        weights = model.add("DequantizeLinear", stored, scale)
        parts.append(model.add("Conv", model.nodes[1].output[0], weights))
    model.add("Concat", *parts, axis=1)
    refused(model.saved(tmp_path), "too large")


@pytest.mark.parametrize("method", ["float32", "ort_dynamic"])
def test_methods_whose_networks_are_not_quantized_through(
    artifacts: Callable[[str, str, str], Artifact], method: str
) -> None:
    artifact = artifacts("lenet", method, "onnx")
    reason = plugins.runtime("reference").refuses(artifact)
    assert reason
    assert len(reason.splitlines()) == 1
    words = {"float32": "it is a float32 network", "ort_dynamic": "DynamicQuantizeLinear"}
    assert words[method] in reason
