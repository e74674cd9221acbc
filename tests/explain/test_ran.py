from __future__ import annotations

from quantbench.explain.ran import as_profiled, depthwise
from quantbench.explain.records import LayerTime, TimeSplit
from quantbench.tasks.network import TensorSpec
from quantbench.tasks.records import Layer
from tests.explain.builder import ROW, layer, ran, split


def named(*times: LayerTime, batch: int = 1) -> TimeSplit:
    return split(integer=10.0, batch=batch).model_copy(update={"layers": times})


def test_a_profile_corrects_the_file_and_adds_the_times() -> None:
    """A runtime may multiply in float32 what the file holds as integers."""
    times = (
        LayerTime(name="conv1", kind="Convolution", part="float", us=4.0),
        LayerTime(name="conv1", kind="Reorder", part="conversion", us=9.0),
        LayerTime(name="conv2", kind="Convolution", part="integer", us=2.0),
    )
    later = named(LayerTime(name="conv2", kind="", part="float", us=1.0), batch=1000)
    (each,) = as_profiled((ran(layer(), layer("conv2"), layer("fc")),), (later, named(*times)))
    assert [(x.ran, x.us) for x in each.layers] == [
        ("float", 4.0), ("integer", 2.0), ("integer", None)
    ]  # fmt: skip


def test_rows_without_a_profile_stay_as_they_are() -> None:
    rows = (ran(layer(), row="another on one"),)
    assert as_profiled(rows, (named(),)) == rows
    assert as_profiled((ran(layer()),), ())[0].row == ROW


def conv(name: str, channels: int, macs: int) -> Layer:
    return Layer(name=name, kind="Conv2d", kernel=(3, 3), output_shape=(channels, 4, 4),
                 parameters=1, macs=macs)  # fmt: skip


def test_depthwise_layers_are_told_by_their_multiply_adds() -> None:
    """One multiply-add for each of 8 x 4 x 4 outputs and 9 places; a first layer of one channel
    has as many."""
    layers = (
        conv("first", 8, 8 * 16 * 9),
        conv("depthwise", 8, 8 * 16 * 9),
        conv("pointwise", 8, 8 * 16 * 9 * 8),
        Layer(name="relu", kind="ReLU", output_shape=(8, 4, 4), parameters=0, macs=0),
    )
    grey, colour = (TensorSpec(name="x", shape=(channels, 4, 4)) for channels in (1, 3))
    assert depthwise(layers, (grey,)) == {"depthwise"}
    assert depthwise(layers, (colour,)) == {"first", "depthwise"}
    assert depthwise((), (grey,)) == frozenset()
