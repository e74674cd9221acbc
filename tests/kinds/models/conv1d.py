"""Convolutions along the rows of an image, its columns as channels, with batch norm."""

from __future__ import annotations

from torch import nn

INPUT_SHAPE = (1, 32, 32)


def build() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(1, 2),
        nn.Conv1d(32, 16, 5, padding=2, bias=False),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Conv1d(16, 16, 3, stride=2, padding=1),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(4),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
