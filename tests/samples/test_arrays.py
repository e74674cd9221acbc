"""Arrays as samples: the rule of dtypes, several inputs, and what is refused in one line."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from quantbench.errors import SamplesError
from quantbench.samples.arrays import from_arrays
from quantbench.samples.records import as_stored


@pytest.mark.parametrize(
    ("stored", "seen"),
    [
        ("float64", "float32"), ("float32", "float32"), ("float16", "float32"),
        ("int64", "int64"), ("int32", "int32"), ("uint32", "int64"), ("uint64", "int64"),
        ("uint8", "float32"), ("int16", "float32"), ("bool", "float32"), (">f4", "float32"),
    ],
)  # fmt: skip
def test_the_rule_of_dtypes(stored: str, seen: str) -> None:
    values = np.array([[0, 1], [1, 0]]).astype(stored)
    (inputs,) = from_arrays("test", values).inputs()
    assert inputs.dtype == np.dtype(seen)
    assert inputs.tolist() == [[0, 1], [1, 0]]


def test_the_network_has_the_last_word_on_the_dtype() -> None:
    pixels = np.array([[0, 255]], np.uint8)
    assert from_arrays("test", pixels).inputs()[0].tolist() == [[0.0, 255.0]]
    (kept,) = from_arrays("test", pixels, dtypes=("uint8",)).inputs()
    assert kept.dtype == np.uint8
    (ids,) = from_arrays("test", np.array([[1.0, 2.0]]), dtypes=("int64",)).inputs()
    assert (ids.dtype, ids.tolist()) == (np.dtype(np.int64), [[1, 2]])


@pytest.mark.parametrize(
    ("values", "dtype", "bad"),
    [
        (np.array([[0.0], [1.5]]), "int64", "1.5 in sample 1"),
        (np.array([[1.0], [np.nan]]), "int64", "nan in sample 1"),
        (np.array([[1.0, 2.0], [3.0, 1e300]]), "float32", r"1e\+300 in sample 1"),
        (np.array([[2**24 + 1]]), "float32", "16777217 in sample 0"),
        (np.array([[256]]), "uint8", "256 in sample 0"),
        (np.array([[-1]]), "uint8", "-1 in sample 0"),
        (np.array([[2**31]]), "int32", "2147483648 in sample 0"),
        (np.array([[2**63 + 5]], np.uint64), "int64", "9223372036854775813 in sample 0"),
        (np.array([[2]]), "bool", "2 in sample 0"),
    ],
)
def test_a_value_that_would_change_is_named(values: object, dtype: str, bad: str) -> None:
    with pytest.raises(SamplesError, match=f"^test: x holds {bad}, which {dtype} can't hold$"):
        from_arrays("test", values, dtypes=(dtype,))


def test_infinity_and_nan_stay_for_who_looks_for_them() -> None:
    (inputs,) = from_arrays("test", np.array([[np.inf, np.nan]])).inputs()
    assert np.isinf(inputs[0, 0])
    assert np.isnan(inputs[0, 1])


def test_tensors_and_lists() -> None:
    tensor = torch.tensor([[1.0, 2.0]], dtype=torch.bfloat16, requires_grad=True)
    assert from_arrays("test", tensor).inputs()[0].tolist() == [[1.0, 2.0]]
    assert from_arrays("test", [[1.5], [2.5]], [0, 1]).inputs()[0].tolist() == [[1.5], [2.5]]


def test_several_inputs_each_with_its_dtype() -> None:
    samples = from_arrays("test", (np.zeros((3, 2)), np.arange(3)), [1, 0, 1])
    assert [array.dtype for array in samples.inputs(0, 2)] == [np.float32, np.int64]
    assert len(samples) == 3


def test_nothing_is_copied_and_nothing_can_be_changed() -> None:
    values = np.zeros((3, 2), np.float32)
    samples = from_arrays("test", values)
    assert np.shares_memory(samples.stored[0], values)
    assert samples.prepare is as_stored
    assert not samples.stored[0].flags.writeable
    samples.inputs()[0][:] = 1
    assert values.sum() == 0


@pytest.mark.parametrize(
    ("targets", "dtype", "kept"),
    [
        (np.array([1, 0], np.uint8), "int64", [1, 0]),
        (np.array([True, False]), "int64", [1, 0]),
        (np.array([0.5, 1.5]), "float32", [0.5, 1.5]),
        (torch.tensor([[1], [2]]), "int64", [[1], [2]]),
    ],
)
def test_targets(targets: object, dtype: str, kept: list[object]) -> None:
    values = from_arrays("test", np.zeros((2, 1)), targets).targets
    assert values is not None
    assert (values.dtype, values.tolist()) == (np.dtype(dtype), kept)


def test_names_of_classes_become_their_positions() -> None:
    named = from_arrays("test", np.zeros((3, 1)), ["dog", "cat", "dog"])
    assert named.targets is not None
    assert (named.targets.tolist(), named.classes) == ([1, 0, 1], ("cat", "dog"))
    fixed = from_arrays("test", np.zeros((1, 1)), ["dog"], classes=("bird", "cat", "dog"))
    assert fixed.targets is not None
    assert fixed.targets.tolist() == [2]
    with pytest.raises(SamplesError, match="y names the class 'cow', which isn't among"):
        from_arrays("test", np.zeros((1, 1)), ["cow"], classes=("cat",))


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (np.zeros((0, 4)), None, r"x holds no sample: its shape is \[0, 4\]"),
        (np.float32(3), None, r"x is a single float32; give an array \[N, ...\]"),
        (np.array([object()]), None, r"x holds Python objects \(dtype object\)"),
        ([[1, 2], [3]], None, r"x is no array of numbers \(ValueError"),
        (np.array(["a"]), None, "x holds text"),
        (np.array([1j]), None, "x holds complex numbers"),
        (np.zeros(1, [("a", "f4")]), None, "x holds records"),
        ((np.zeros(3), np.zeros(2)), None, "x2 has 2 samples, test: x1 3"),
        (np.zeros((3, 2)), np.zeros(2), r"y has 2 targets for 3 samples .*\[3, 2\], y \[2\]"),
        (np.zeros(2), (np.zeros(2), np.zeros(2)), "y is a tuple; give one array"),
        (np.zeros(2), np.array([None, 1]), "y holds Python objects"),
        (torch.zeros(2, 2).to_sparse(), None, "x is a sparse or quantized tensor"),
    ],
)
def test_a_wrong_array_is_one_line(inputs: object, targets: object, message: str) -> None:
    with pytest.raises(SamplesError, match=f"^test: {message}") as caught:
        from_arrays("test", inputs, targets)
    assert "\n" not in str(caught.value)


def test_an_object_whose_array_fails_is_named() -> None:
    class Broken:
        def __array__(self, *_: object, **__: object) -> object:
            raise RuntimeError("gone\nfar away")

    with pytest.raises(SamplesError, match=r"^test: x is no array of numbers \(RuntimeError: gone"):
        from_arrays("test", Broken())


def test_as_many_inputs_as_the_network_has() -> None:
    with pytest.raises(SamplesError, match="test has 1 inputs, the network 2"):
        from_arrays("test", np.zeros((2, 2)), dtypes=("float32", "float32"))
