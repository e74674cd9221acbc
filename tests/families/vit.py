"""A small vision transformer: patches of 16x16, attention, layer norms and GELU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from tests.families import generate
from tests.families.family import Family, classes, image_size, image_spec, repeats

PATCH, FEATURES, HEADS, DEPTH = 16, 192, 3, 12


class Attention(nn.Module):
    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, (features // heads) ** -0.5
        self.qkv = nn.Linear(features, 3 * features)
        self.output = nn.Linear(features, features)

    def forward(self, tokens: Tensor) -> Tensor:
        _, count, features = tokens.shape
        split = self.qkv(tokens).reshape(-1, count, 3, self.heads, features // self.heads)
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)
        weights = (queries @ keys.transpose(-2, -1) * self.scale).softmax(-1)
        mixed = (weights @ values).transpose(1, 2).reshape(-1, count, features)
        outputs: Tensor = self.output(mixed)
        return outputs


class Block(nn.Module):
    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.attention = Attention(features, heads)
        self.mlp = nn.Sequential(
            nn.Linear(features, 4 * features), nn.GELU(), nn.Linear(4 * features, features)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.norm1(tokens))
        outputs: Tensor = tokens + self.mlp(self.norm2(tokens))
        return outputs


class VisionTransformer(nn.Module):
    def __init__(self, size: int, features: int, heads: int, depth: int, classes: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, features, PATCH, PATCH)
        self.summary = nn.Parameter(torch.zeros(1, 1, features))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + (size // PATCH) ** 2, features))
        self.blocks = nn.Sequential(*(Block(features, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(features)
        self.last = nn.Linear(features, classes)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        summaries = self.summary.expand(patches.shape[0], -1, -1)
        tokens = self.blocks(torch.cat([summaries, patches], 1) + self.positions)
        logits: Tensor = self.last(self.norm(tokens[:, 0]))
        return logits


def build(width: float) -> nn.Module:
    heads = repeats(HEADS, width)
    features = FEATURES if width >= 1 else 16 * heads
    depth = repeats(DEPTH, width)
    return VisionTransformer(image_size(width), features, heads, depth, classes(width))


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(image_size(width), classes(width), count, seed)


FAMILY = Family(
    "ViT-Ti/16", "Touvron et al., DeiT, 2021, Table 1: 5.7 M, 1.26 G", build, image_spec, samples,
    parameters=5_717_416, macs=1_258_000_000,
)  # fmt: skip
