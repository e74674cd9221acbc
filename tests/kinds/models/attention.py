"""One layer of a transformer over the rows of an image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

INPUT_SHAPE = (1, 32, 32)


class Rows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(0.02 * torch.randn(32, 16))
        self.embed = nn.Linear(32, 16)
        self.norm1 = nn.LayerNorm(16)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.norm2 = nn.LayerNorm(16)
        self.wide = nn.Linear(16, 32)
        self.gelu = nn.GELU()
        self.narrow = nn.Linear(32, 16)
        self.last = nn.Linear(16, 10)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.embed(images.flatten(1, 2)) + self.place
        normed = self.norm1(tokens)
        tokens = tokens + self.attention(normed, normed, normed, need_weights=False)[0]
        tokens = tokens + self.narrow(self.gelu(self.wide(self.norm2(tokens))))
        return self.last(tokens.mean(1))


def build() -> nn.Module:
    return Rows()
