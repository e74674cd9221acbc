"""Every layer on the list can be written: its settings are found and give it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from quantbench.export.module_file import read_module, write_module
from quantbench.export.module_names import FUNCTIONS, LAYERS, METHODS

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    **{f"Conv{d}d": (2, 4, 3) for d in (1, 2, 3)},
    **{f"ConvTranspose{d}d": (2, 4, 3) for d in (1, 2, 3)},
    **{f"{kind}Norm{d}d": (4,) for kind in ("Batch", "Instance") for d in (1, 2, 3)},
    **{f"{kind}Pool{d}d": (2,) for kind in ("Avg", "Max", "AdaptiveAvg") for d in (1, 2, 3)},
    **{f"{kind}{d}d": (1,) for kind in ("ZeroPad", "ReflectionPad") for d in (1, 2)},
    **dict.fromkeys(("RNN", "GRU", "RNNCell", "LSTMCell", "GRUCell"), (3, 4)),
    **{f"Soft{kind}": (1,) for kind in ("max", "min")},
    "LogSoftmax": (1,), "LSTM": (3, 4, 2), "MultiheadAttention": (4, 2),
    "Linear": (3, 2), "Bilinear": (2, 3, 4), "Embedding": (5, 3),
    "LayerNorm": (4,), "GroupNorm": (2, 4), "RMSNorm": (4,), "LocalResponseNorm": (2,),
    "AdaptiveMaxPool1d": (2,), "AdaptiveMaxPool2d": (2,), "LPPool1d": (2, 3), "LPPool2d": (2, 3),
    "Threshold": (0.1, 20), "Unflatten": (1, (2, 2)), "PixelShuffle": (2,),
    "PixelUnshuffle": (2,), "ChannelShuffle": (2,), "Upsample": (None, 2.0),
    "UpsamplingNearest2d": (None, 2), "UpsamplingBilinear2d": (None, 2),
    "ConstantPad1d": (1, 2.0), "ConstantPad2d": (1, 2.0), "ReplicationPad1d": (1,),
    "ReplicationPad2d": (1,), "CircularPad2d": (1,),
}  # fmt: skip
"""Layer -> its constructor's arguments, where it needs any."""


class Holder(nn.Module):
    """Holds a layer that it doesn't call, so that it has no inputs of its own."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_every_layer_is_written_and_read(tmp_path: Path, kind: str) -> None:
    layer = LAYERS[kind](*ARGUMENTS.get(kind, ()))
    write_module(Holder(layer), tmp_path)
    again = dict(read_module(tmp_path).named_modules())["layer"]
    assert type(again) is type(layer)
    assert repr(again) == repr(layer)
    again.load_state_dict(layer.state_dict())


def test_methods_are_those_of_tensors() -> None:
    assert [name for name in METHODS if name not in dir(torch.Tensor)] == []


def test_no_function_runs_code_or_reads_files() -> None:
    names = {name.rpartition(".")[2] for name in FUNCTIONS} | METHODS
    for harmful in ("load", "save", "from_file", "compile", "hub", "apply_", "map_", "backward",
                    "register_hook", "set_", "numpy", "storage", "__import__", "eval"):  # fmt: skip
        assert harmful not in names
