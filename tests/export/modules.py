"""Networks of many kinds, each with inputs: what module files have to hold."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Made = tuple[nn.Module, tuple[Tensor, ...]]


class Functional(nn.Module):
    """Activations and pooling as functions, and a view by the batch's own size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, padding="valid")
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.dropout(F.relu6(self.conv2(x)), 0.5, training=self.training)
        x = F.avg_pool2d(x, x.shape[-1])
        return F.log_softmax(self.fc(x.view(x.size(0), -1)), dim=1)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU6())
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.GroupNorm(2, 8), nn.SiLU())
            for _ in range(2)
        )
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d((1, None)), nn.Flatten(), nn.Linear(64, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


class SqueezeExcite(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3)
        self.reduce, self.expand = nn.Linear(8, 2), nn.Linear(2, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = F.hardswish(self.conv(x))
        scale = torch.sigmoid(self.expand(self.reduce(x.mean((2, 3))).relu()))
        return (x * scale[:, :, None, None]).flatten(1)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 5, num_layers=2, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(10, 3, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        out, (hidden, _) = self.lstm(x)
        last = self.gru(out)[0][:, -1]
        return torch.cat([last, hidden[-1]], dim=1)


class Attention(nn.Module):
    """PyTorch's own attention, then attention by hand with a positional embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(1, 6, 8))
        self.norm = nn.LayerNorm(8)
        self.layer = nn.MultiheadAttention(8, 2, batch_first=True)
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x + self.position)
        x = x + self.layer(x, x, x, need_weights=False)[0]
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(8)
        x = torch.softmax(scores, dim=-1) @ v
        x = F.scaled_dot_product_attention(x.unsqueeze(1), x.unsqueeze(1), x.unsqueeze(1))
        return self.out(x.squeeze(1)).mean(dim=1)


class TwoInTwoOut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.numbers = nn.Embedding(10, 4, padding_idx=0), nn.Linear(3, 4)

    def forward(self, tokens: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        mixed = self.words(tokens).sum(1) + self.numbers(numbers)
        return mixed.tanh(), torch.stack((mixed, -mixed), dim=1)


class Named(nn.Module):
    """Returns a dictionary; has buffers that are and aren't in the state, and unused layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.register_buffer("offset", torch.arange(3.0))
        self.register_buffer("scale", torch.tensor([1.0, 2.0, 0.5]), persistent=False)
        self.table = torch.tensor([[0.25, 0.5, 0.75]])
        self.unused = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        self.loose = nn.Parameter(torch.ones(2))

    def forward(self, x: Tensor) -> dict[str, Tensor | list[Tensor]]:
        out = self.layer(x) * self.scale + self.offset - self.table
        return {"logits": out, "parts": [out[:, 0], out[:, 1:]]}


class Constant(nn.Module):
    """A tensor is made on the way."""

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.tensor([True, False, True, True])
        return x.masked_fill(mask, -1.0) + torch.zeros(1, dtype=torch.float32)


class Tied(nn.Module):
    """One layer under two names, called twice, and one weight in two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = self.first
        self.embed = nn.Embedding(6, 4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.second(self.first(x).relu()).relu())


class Dense(nn.Module):
    """Concatenation, interpolation, padding and slices."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 2, 3, padding=1), nn.ConvTranspose2d(3, 2, 2, stride=2)
        self.up = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)
        self.act = nn.PReLU(2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.b(torch.cat((x, self.act(self.a(x))), 1))
        z = self.up(F.pad(x, (0, 1, 0, 1))[:, :, :-1, 1:])
        small = F.interpolate(y[..., ::2, ::2], size=(4, 4), mode="nearest")
        return (y * z).flatten(1).sum(1, keepdim=True) + small.amax(dim=(1, 2, 3)).unsqueeze(-1)


class Depthwise(nn.Module):
    """Channel shuffle by views, as ShuffleNet does it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 1)
        self.dw = nn.Conv2d(2, 2, 3, groups=2, padding=1, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        left, right = x.chunk(2, dim=1)
        x = torch.cat((left, self.dw(right)), dim=1)
        n, c, h, w = x.size(0), x.size(1), x.size(2), x.size(3)
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)


def _images() -> Tensor:
    return torch.randn(2, 1, 8, 8)


ALL: dict[str, Callable[[], Made]] = {
    "functional": lambda: (Functional(), (_images(),)),
    "residual": lambda: (Residual(), (_images(),)),
    "squeeze and excite": lambda: (SqueezeExcite(), (_images(),)),
    "recurrent": lambda: (Recurrent(), (torch.randn(2, 7, 4),)),
    "attention": lambda: (Attention(), (torch.randn(2, 6, 8),)),
    "two inputs": lambda: (TwoInTwoOut(), (torch.randint(0, 10, (2, 5)), torch.randn(2, 3))),
    "named outputs": lambda: (Named(), (torch.randn(2, 4),)),
    "constant": lambda: (Constant(), (torch.randn(2, 4),)),
    "tied": lambda: (Tied(), (torch.randn(2, 4),)),
    "dense": lambda: (Dense(), (_images(),)),
    "shuffle": lambda: (Depthwise(), (_images(),)),
    "sequential": lambda: (
        nn.Sequential(
            nn.Conv1d(2, 3, 3, dilation=2), nn.BatchNorm1d(3, eps=1e-3), nn.Hardtanh(-2, 3),
            nn.AvgPool1d(2), nn.GELU("tanh"), nn.Unflatten(1, (3, 1)), nn.Flatten(1, 2),
            nn.Softmax(-1), nn.Sigmoid(), nn.Identity(),
        ),
        (torch.randn(2, 2, 12),),
    ),
}  # fmt: skip
"""Name -> makes a module and its inputs, with two samples."""
