"""Records of a float network: its layers, its training, and what looks wrong with a task."""

from __future__ import annotations

from pydantic import Field, JsonValue

from quantbench.system.record import Record

FUNCTIONAL = "(functional)"
"""The name of the layer that stands for all that is computed outside of leaf modules."""


class Layer(Record):
    """One leaf module of a float network, in the order in which data passes it."""

    name: str
    kind: str
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    activation: str | None = Field(None, description="the activation that follows directly")
    output_shape: tuple[int, ...] = Field(description="without the batch")
    parameters: int
    macs: int = Field(description="multiply-adds for one input")


class Diagnostic(Record):
    """Something that looks wrong with a task, found before anything is quantized."""

    code: str = Field(description='names the check in docs/checks.md, such as "one-class"')
    sentence: str
    remedy: str = Field(description="what to do about it, as a sentence without its full stop")
    stops: bool = Field(False, description="nothing can be measured before it is put right")


class Epoch(Record):
    """One finished epoch; `epoch` counts from 1, the loss is in nats, the accuracy a fraction."""

    epoch: int
    test_loss: float
    test_accuracy: float
    seconds: float


class Training(Record):
    """The training of a checkpoint, epoch by epoch."""

    model: str
    data: str
    recipe: str
    seed: int
    settings: dict[str, JsonValue]
    threads: int
    loss_every: int
    losses: tuple[float, ...] = Field(description="training loss at every `loss_every`-th batch")
    epochs: tuple[Epoch, ...]
