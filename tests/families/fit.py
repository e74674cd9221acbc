"""Networks with weights and batch norms that mean something, in seconds."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from tests.families.family import Family, Outputs

BATCH = 32


def outputs_of(network: nn.Module, inputs: tuple[Tensor, ...]) -> Outputs:
    """The outputs of a network, which gives one tensor or a tuple."""
    outputs = network(*inputs)
    return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)


def initialised(family: Family, width: float, seed: int = 0) -> nn.Module:
    """The network with He's initialisation, whose activations keep their size through layers.

    Depthwise convolutions of a family that is `near_identity` pass their input on, and a little of
    He's beside it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = family.build(width)
        for module in network.modules():
            if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if family.near_identity and isinstance(module, nn.Conv2d) and module.groups > 1:
                with torch.no_grad():
                    module.weight *= 0.3
                    module.weight[:, 0, module.kernel_size[0] // 2, module.kernel_size[1] // 2] += 1
    return network


def fitted(family: Family, width: float, steps: int, seed: int = 0) -> nn.Module:
    """The network after some steps of Adam on generated samples, in eval mode.

    A family of several epochs repeats them. With 0 steps only batch norms are settled, by a few
    passes in train mode. The global random state is left as it was.
    """
    network = initialised(family, width, seed).train()
    arrays, targets = family.samples(width, BATCH * max(steps, 4), seed)
    inputs = tuple(torch.from_numpy(array) for array in arrays)
    answers = torch.from_numpy(targets)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
        starts = range(0, len(answers), BATCH)
        for start in itertools.chain.from_iterable([starts] * (family.epochs if steps else 1)):
            batch = tuple(tensor[start : start + BATCH] for tensor in inputs)
            with torch.set_grad_enabled(steps > 0):
                loss = family.loss(outputs_of(network, batch), answers[start : start + BATCH])
            if steps:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return network.eval()
