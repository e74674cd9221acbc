"""Multiply-adds of modules, by their kind, and of functions, as PyTorch dispatches them."""

from __future__ import annotations

from math import prod

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)
RECURRENT = (nn.RNNBase, nn.RNNCellBase)
MULTIPLYING = (*CONVOLUTIONS, nn.Linear, nn.Bilinear, *RECURRENT, nn.MultiheadAttention)
"""The modules whose multiply-adds `macs` knows."""


def macs(module: nn.Module, inputs: list[tuple[int, ...]], output_shape: tuple[int, ...]) -> int:
    """Multiply-adds of one call, from the shapes of its inputs and output; biases aren't counted.

    A convolution has output elements times kernel area times input channels of a group; a
    transposed one, the same with input and output exchanged; a recurrent layer, steps times
    weights; attention, its four projections and the two products of activations; a bilinear
    layer, output elements times features of both inputs. Any other module has 0.
    """
    if isinstance(module, TRANSPOSED):
        return prod(inputs[0]) * prod(module.kernel_size) * (module.out_channels // module.groups)
    if isinstance(module, CONVOLUTIONS):
        return prod(output_shape) * prod(module.kernel_size) * (module.in_channels // module.groups)
    if isinstance(module, nn.Linear):
        return prod(output_shape) * module.in_features
    if isinstance(module, RECURRENT):
        weights = (p.numel() for name, p in module.named_parameters() if name.startswith("weight"))
        features: int = module.input_size
        return prod(inputs[0]) // features * sum(weights)
    if isinstance(module, nn.MultiheadAttention):
        return _attention(module, inputs)
    if isinstance(module, nn.Bilinear):
        return prod(output_shape) * module.in1_features * module.in2_features
    return 0


def flop_counter() -> FlopCounterMode:
    """PyTorch's counter, taught the operators of CPUs that it passes over.

    It counts a multiply-add as two, and sees none inside the kernel for LSTMs on CPUs.
    """
    aten = torch.ops.aten
    return FlopCounterMode(
        display=False,
        custom_mapping={
            aten._scaled_dot_product_flash_attention_for_cpu: _products_of_attention,
            aten.mv: _elements_of_the_first,
            aten.dot: _elements_of_the_first,
            aten.addmv: _elements_of_the_second,
        },
    )


def _attention(module: nn.MultiheadAttention, inputs: list[tuple[int, ...]]) -> int:
    """Multiply-adds for query, key and value of one sequence, each [1, tokens, features].

    The first two axes may be in either order.
    """
    width: int = module.embed_dim
    queries, keys, values = (
        prod(shape) // int(features)
        for shape, features in zip(inputs[:3], (width, module.kdim, module.vdim), strict=True)
    )
    read: int = keys + (module.bias_k is not None) + int(module.add_zero_attn)
    projections: int = 2 * queries * width + keys * module.kdim + values * module.vdim
    return projections * width + 2 * queries * read * width


def _products_of_attention(
    query: torch.Size, key: torch.Size, value: torch.Size, *_: object, **__: object
) -> int:
    """Twice the multiply-adds of [..., queries, width] by [..., keys, width], then by the values.

    With a mask for causality, the products that it hides are counted too: kernels differ in that.
    """
    return 2 * prod(query[:-1]) * (key[-2] * query[-1] + value[-2] * value[-1])


def _elements_of_the_first(first: torch.Size, *_: object, **__: object) -> int:
    return 2 * prod(first)


def _elements_of_the_second(_: torch.Size, second: torch.Size, *__: object, **___: object) -> int:
    return 2 * prod(second)
