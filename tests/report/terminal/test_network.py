from __future__ import annotations

import pytest

from quantbench.numerics.coverage import LayerNumerics, Quantized
from quantbench.report.terminal.network import layer_table, numerics_table
from quantbench.tasks.records import Layer
from tests.formats import INT8_CHANNEL, UINT8
from tests.report.golden import check, rendered

LAYERS = (
    Layer(
        name="conv1",
        kind="Conv2d",
        kernel=(5, 5),
        stride=(1, 1),
        activation="ReLU",
        output_shape=(6, 28, 28),
        parameters=156,
        macs=117_600,
    ),
    Layer(name="relu1", kind="ReLU", output_shape=(6, 28, 28), parameters=0, macs=0),
    Layer(
        name="pool1",
        kind="AvgPool2d",
        kernel=(2, 2),
        stride=(2, 2),
        output_shape=(6, 14, 14),
        parameters=0,
        macs=0,
    ),
    Layer(name="fc1", kind="Linear", output_shape=(10,), parameters=11_770, macs=11_760),
)
QUANTIZED = Quantized(
    structure=(
        "QuantWrapper(\n"
        "  (quant): Quantize(scale=tensor([0.0100]), zero_point=tensor([42]), dtype=torch.quint8)\n"
        "  (module): Sequential(\n"
        "    (conv1): QuantizedConvReLU2d(1, 6, kernel_size=(5, 5), stride=(1, 1), "
        "scale=0.023456789, zero_point=0)\n"
        "  )\n"
        ")"
    ),
    layers=(
        LayerNumerics(
            name="conv1",
            kind="Conv2d",
            macs=117_600,
            integer=True,
            weights=(INT8_CHANNEL,),
            activations=(UINT8,),
            scale=0.023456789,
            zero_point=0,
        ),
        LayerNumerics.in_float32("fc1", "Linear", 11_760, "no such layer in this engine"),
    ),
    notes=("calibrated on 1000 images [histogram]",),
)


@pytest.mark.parametrize("width", [80, 120])
def test_looks_as_it_did(width):
    text = rendered(layer_table(LAYERS, "example"), width)
    check(f"layers-{width}.txt", text)
    numerics = rendered(numerics_table(QUANTIZED), width)
    check(f"numerics-{width}.txt", numerics)
    assert max(map(len, (text + numerics).splitlines())) <= width
    assert "…" not in text + numerics


def test_an_activation_stands_beside_its_layer_only():
    assert "relu1" not in rendered(layer_table(LAYERS, "example"), 80)
    alone = rendered(layer_table(LAYERS[1:], "example"), 80)
    assert "relu1" in alone


def test_totals_count_every_layer():
    last = rendered(layer_table(LAYERS, "example"), 80).splitlines()[-1]
    assert last.split() == ["total", "11,926", "129,360"]


def test_says_why_a_layer_stayed_float_and_how_much_did():
    text = rendered(numerics_table(QUANTIZED), 120)
    assert "fc1 stayed float: no such layer in this engine" in text
    assert "9.1% of multiply-adds stay float" in text
    assert "0.0234568" in text


def test_names_are_not_markup():
    layer = LAYERS[0].model_copy(update={"name": "[red]conv[/red]"})
    assert "[red]conv[/red]" in rendered(layer_table((layer,), "[b]t[/b]"), 120)
    assert "[histogram]" in rendered(numerics_table(QUANTIZED), 80)
