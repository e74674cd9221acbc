"""Records of networks that tests build, and small networks of every kind that a user may have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from quantbench.samples.records import Array, Samples
from quantbench.tasks.layers import tensors
from quantbench.tasks.network import Network, TensorSpec


def network_of(
    model: nn.Module | Callable[[], nn.Module], *inputs: tuple[int, ...] | TensorSpec
) -> Network:
    """The network of a module, or of what makes one; inputs by their shapes are float32."""
    specs = tuple(
        spec if isinstance(spec, TensorSpec) else TensorSpec(name=f"input{place}", shape=spec)
        for place, spec in enumerate(inputs)
    )
    module = model.eval() if isinstance(model, nn.Module) else model().eval()
    with torch.inference_mode():
        answers = [*tensors(module(*(torch.from_numpy(spec.zeros(2)) for spec in specs)))]
    outputs = tuple(
        TensorSpec(name=f"output{place}", shape=tuple(answer.shape[1:]))
        for place, answer in enumerate(answers)
    )
    make = (lambda: model) if isinstance(model, nn.Module) else (lambda: model().eval())
    return Network("tested", specs, outputs, "0" * 64, make)


def calibration(network: Network, count: int = 60, seed: int = 0) -> Samples:
    """Random samples for a network's inputs: normal, or classes below 20 of an integer input."""
    rng = np.random.default_rng(seed)

    def drawn(spec: TensorSpec) -> Array:
        if np.dtype(spec.dtype).kind in "iu":
            return rng.integers(0, 20, (count, *spec.shape)).astype(spec.dtype)
        return rng.normal(size=(count, *spec.shape)).astype(spec.dtype)

    return Samples("calibration", tuple(drawn(spec) for spec in network.inputs))


class Features(nn.Module):
    """An MLP on vectors of 12 features."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)


class Signal(nn.Module):
    """Conv1d on [channels, time]."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(2, 8, 5, padding=2)
        self.norm = nn.BatchNorm1d(8)
        self.relu = nn.ReLU()
        self.second = nn.Conv1d(8, 8, 3, stride=2)
        self.flatten = nn.Flatten()
        self.head = nn.Linear(8 * 15, 4)

    def forward(self, signal: Tensor) -> Tensor:
        hidden = self.relu(self.norm(self.first(signal)))
        return self.head(self.flatten(self.relu(self.second(hidden))))


class TwoInputs(nn.Module):
    """An image and features, joined before the head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, stride=2)
        self.fc = nn.Linear(5, 8)
        self.head = nn.Linear(4 * 9 + 8, 3)

    def forward(self, image: Tensor, features: Tensor) -> Tensor:
        seen = F.relu(self.conv(image)).flatten(1)
        return self.head(torch.cat([seen, F.relu(self.fc(features))], 1))


class TwoOutputs(nn.Module):
    """Classes, and a box beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 24), nn.ReLU())
        self.classes = nn.Linear(24, 5)
        self.box = nn.Linear(24, 4)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.body(features)
        return self.classes(hidden), self.box(hidden)


class Residual(nn.Module):
    """Functions between layers: F.relu, an addition, a mean."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.branch = nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 4)

    def forward(self, image: Tensor) -> Tensor:
        hidden = F.relu(self.norm(self.stem(image)))
        hidden = F.relu(hidden + self.branch(hidden))
        return self.head(hidden.mean((2, 3)))


class Tokens(nn.Module):
    """Embedded tokens, a GRU, and a head on its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 12)
        self.gru = nn.GRU(12, 16, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        states, _ = self.gru(self.embedding(tokens))
        return self.head(states[:, -1])


class Branching(nn.Module):
    """Python control flow on a value of the data, which no trace holds."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.fc(features)
        if float(hidden.detach().mean()) > 1e6:
            hidden = hidden * 2
        return self.head(torch.relu(hidden))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[tuple[int, ...] | TensorSpec, ...]]] = {
    "features": (Features, ((12,),)),
    "signal": (Signal, ((2, 32),)),
    "two_inputs": (TwoInputs, ((1, 8, 8), (5,))),
    "two_outputs": (TwoOutputs, ((10,),)),
    "residual": (Residual, ((3, 8, 8),)),
    "tokens": (Tokens, (TensorSpec(name="tokens", shape=(7,), dtype="int64"),)),
    "branching": (Branching, ((6,),)),
}


def small(name: str) -> Network:
    """One of NETWORKS, with weights drawn from a seed, and statistics that its norms would have."""
    build, inputs = NETWORKS[name]

    def make() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            module = build()
            for part in module.modules():
                if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                    part.running_mean.uniform_(-0.2, 0.2)
                    part.running_var.uniform_(0.5, 2)
        return module.eval()

    return network_of(make, *inputs)
