"""The layers, functions and methods that a module file may name: `export/module_file.py`.

Each is looked up in a table made here, never by a name that a file gives. None of them reads a
file, runs code or changes anything but tensors of the network itself.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import nn
from torch.ao.quantization import DeQuantStub, QuantStub

from quantbench.artifacts.pt2_file import OPERATORS

LAYERS: dict[str, type[nn.Module]] = {
    kind.__name__: kind
    for kind in (
        nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d,
        nn.ConvTranspose3d, nn.Linear, nn.Bilinear, nn.Embedding,
        nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.InstanceNorm1d, nn.InstanceNorm2d,
        nn.InstanceNorm3d, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm,
        nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d,
        nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
        nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.LPPool1d, nn.LPPool2d,
        nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout,
        nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU,
        nn.Mish, nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid,
        nn.Hardshrink, nn.Softshrink, nn.Tanhshrink, nn.Softplus, nn.Softsign, nn.Threshold,
        nn.GLU, nn.Softmax, nn.Softmin, nn.LogSoftmax, nn.Softmax2d,
        nn.Flatten, nn.Unflatten, nn.Identity, nn.PixelShuffle, nn.PixelUnshuffle,
        nn.ChannelShuffle, nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d,
        nn.ZeroPad1d, nn.ZeroPad2d, nn.ConstantPad1d, nn.ConstantPad2d, nn.ReflectionPad1d,
        nn.ReflectionPad2d, nn.ReplicationPad1d, nn.ReplicationPad2d, nn.CircularPad2d,
        nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell,
        nn.MultiheadAttention, nn.CosineSimilarity, QuantStub, DeQuantStub,
    )
}  # fmt: skip
"""Name -> class: layers whose settings are read from their attributes."""

_RECURRENT = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout",
              "bidirectional")  # fmt: skip
SETTINGS: dict[str, tuple[str, ...]] = {
    "RNN": (*_RECURRENT, "nonlinearity"),
    "LSTM": (*_RECURRENT, "proj_size"),
    "GRU": _RECURRENT,
    "Hardtanh": ("min_val", "max_val", "inplace"),
    "Embedding": ("num_embeddings", "embedding_dim", "padding_idx", "max_norm", "norm_type",
                  "scale_grad_by_freq", "sparse"),
    "Identity": (),
    "QuantStub": (),
    "DeQuantStub": (),
    "UpsamplingNearest2d": ("size", "scale_factor"),
    "UpsamplingBilinear2d": ("size", "scale_factor"),
}  # fmt: skip
"""Layer -> its constructor's arguments, where its signature doesn't tell them."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_OF_TORCH = _words(
    """
    abs add addmm amax amin arange argmax argmin baddbmm bmm broadcast_to cat ceil chunk clamp clone
    concat cos cosh cumsum div dot einsum eq erf exp expand_copy eye flatten flip floor floor_divide
    full full_like gather ge gt index_select isnan le linspace log log10 log1p log2 logical_and
    logical_not logical_or logsumexp lt masked_fill matmul max maximum mean min minimum mm movedim
    mul narrow ne neg norm numel ones ones_like outer permute pow prod ravel reciprocal relu
    remainder repeat_interleave reshape roll round rsqrt select sigmoid sign sin sinh softmax
    log_softmax sort split sqrt square squeeze stack std sub sum swapaxes t tanh tensordot tile topk
    transpose tril triu unbind unflatten unsqueeze var where zeros zeros_like hstack vstack
    """
)
_FUNCTIONAL = _words(
    """
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
    adaptive_max_pool2d alpha_dropout avg_pool1d avg_pool2d avg_pool3d batch_norm bilinear celu
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d cosine_similarity
    dropout dropout1d dropout2d dropout3d elu elu_ embedding fold gelu glu grid_sample affine_grid
    group_norm hardshrink hardsigmoid hardswish hardtanh hardtanh_ instance_norm interpolate
    layer_norm leaky_relu leaky_relu_ linear local_response_norm log_softmax logsigmoid lp_pool2d
    max_pool1d max_pool2d max_pool3d mish normalize one_hot pad pixel_shuffle pixel_unshuffle prelu
    relu relu6 relu_ rms_norm scaled_dot_product_attention selu sigmoid silu softmax softmin
    softplus softshrink softsign tanh tanhshrink threshold unfold channel_shuffle
    """
)
_OPERATORS = _words(
    """
    abs add and_ eq floordiv ge getitem gt iadd iand imul invert isub itruediv le lt matmul mod mul
    ne neg or_ pos pow sub truediv xor
    """
)


def _aten(name: str) -> Callable[..., Any]:
    """The operator of a name such as "torch.ops.aten.relu.default", of those in a .pt2 file."""
    _, _, namespace, operation, overload = name.split(".")
    packet = getattr(getattr(torch.ops, namespace), operation)
    return cast("Callable[..., Any]", getattr(packet, overload))


FUNCTIONS: dict[str, Callable[..., Any]] = (
    {f"torch.{name}": getattr(torch, name) for name in _OF_TORCH}
    | {f"functional.{name}": getattr(F, name) for name in _FUNCTIONAL}
    | {f"operator.{name}": getattr(operator, name) for name in _OPERATORS}
    | {name: _aten(name) for name in OPERATORS if name.startswith("torch.ops.")}
    | {"math.sqrt": math.sqrt, "getattr": getattr}
)
"""Name in a file -> function. `getattr` reads one of ATTRIBUTES alone."""

NAMES = {function: name for name, function in FUNCTIONS.items()}
"""Function -> its name in a file."""

ATTRIBUTES = frozenset({"shape", "ndim", "dtype", "device", "T", "mT"})
"""Attributes of a tensor that a node may read."""

METHODS = frozenset(
    _words(
        """
    abs add add_ amax amin argmax argmin bmm bool ceil chunk clamp clamp_ clone contiguous cos
    cumsum detach dim div div_ eq erf exp expand expand_as flatten flip float floor gather ge gt
    index_select int le log log_softmax logical_not logsumexp long lt masked_fill masked_fill_
    matmul max maximum mean min minimum mm movedim mul mul_ narrow ne neg norm numel permute pow
    prod ravel reciprocal relu relu_ repeat repeat_interleave reshape reshape_as roll round rsqrt
    select sigmoid sigmoid_ sign sin size softmax sort split sqrt square squeeze std sub sub_ sum
    swapaxes t tanh tanh_ tile to topk transpose tril triu type_as unbind unflatten unfold unsqueeze
    var view view_as
    """
    )
)
"""Methods of tensors that a node may call."""
