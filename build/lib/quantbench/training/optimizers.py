"""Optimisers by recipe; this Muon takes convolutions, PyTorch's takes matrices alone."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from quantbench.training.recipes import Recipe, beta1

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_STEPS = 3


class Optimizers:
    """The optimisers of one recipe, stepped together."""

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self._recipe = recipe
        self._all = list(_built(model, recipe))

    def step(self, rate: float) -> None:
        """Make one step, after backward, at `rate` times each group's highest learning rate.

        `rate` is a share, 0 to 1; AdamW's beta1 follows it.
        """
        for optimizer in self._all:
            for group in optimizer.param_groups:
                group["lr"] = group["highest"] * rate
                if isinstance(optimizer, torch.optim.AdamW):
                    group["betas"] = (beta1(rate), group["betas"][1])
            optimizer.step()

    def state(self) -> list[dict[str, object]]:
        """The state_dict of each optimiser, for `load`."""
        return [optimizer.state_dict() for optimizer in self._all]

    def load(self, states: list[dict[str, object]]) -> None:
        """Resume from what `state` returned, for the same model and recipe."""
        for optimizer, state in zip(self._all, states, strict=True):
            optimizer.load_state_dict(state)


class Muon(torch.optim.Optimizer):
    """Muon: momentum whose step is orthogonalised (Jordan and others 2024).

    A weight of more than one dimension is taken as the matrix [outputs, the rest]. The momentum
    is Nesterov's; the step is scaled by sqrt(rows / columns) where there are more rows.
    """

    def __init__(self, parameters: list[dict[str, object]], lr: float, momentum: float) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Update every parameter from its gradient; `closure` is ignored."""
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient, state = parameter.grad, self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                average = state["momentum"].lerp_(gradient, 1 - group["momentum"])
                ahead = torch.lerp(gradient, average, group["momentum"])
                scale = max(1.0, parameter.shape[0] / parameter[0].numel()) ** 0.5
                parameter.add_(orthogonalised(ahead), alpha=-group["lr"] * scale)


def orthogonalised(gradient: Tensor) -> Tensor:
    """The gradient with its singular values, as a matrix, pushed towards 1 by Newton-Schulz steps.

    Returns the shape of `gradient`.
    """
    matrix = gradient.flatten(1)
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = (matrix.T if tall else matrix) / (matrix.norm() + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).reshape(gradient.shape)


def _built(model: nn.Module, recipe: Recipe) -> Iterable[torch.optim.Optimizer]:
    """The recipe's optimisers; Muon takes hidden weights, AdamW biases and the last layer."""
    parameters = list(model.parameters())
    if recipe.optimizer == "sgd":
        yield torch.optim.SGD(
            [{"params": parameters, "highest": recipe.lr}],
            lr=recipe.lr,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
        )
        return
    last = list(list(_leaves(model))[-1].parameters())
    hidden = [p for p in parameters if p.ndim > 1 and all(p is not q for q in last)]
    rest = [p for p in parameters if all(p is not q for q in hidden)]
    if hidden:
        yield Muon([{"params": hidden, "highest": recipe.lr}], recipe.lr, recipe.momentum)
    yield torch.optim.AdamW(
        [{"params": rest, "highest": recipe.adam_lr}],
        lr=recipe.adam_lr,
        betas=(beta1(0), 0.999),
        weight_decay=recipe.weight_decay,
        fused=True,
    )


def _leaves(model: nn.Module) -> Iterable[nn.Module]:
    """Modules that hold parameters themselves, in their order of definition."""
    return (m for m in model.modules() if next(m.parameters(recurse=False), None) is not None)
