"""A quantized form of the network that the user has beside the float one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from quantbench.errors import NetworkError
from quantbench.system.progress import Progress
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.source import load_network
from quantbench.tasks.task import Task


def with_given(task: Task, file: Path, progress: Progress) -> Task:
    """The task with the quantized network in `file`, which takes and gives what the float one does.

    Raises NetworkError where it doesn't, where it isn't quantized, and where the task's own network
    is; ArtifactError for a damaged file.
    """
    network = task.network
    if network.quantized:
        raise NetworkError(
            f"network '{network.name}' is quantized itself; name the float network, and "
            f"{file} as its quantized form"
        )
    form = load_network(file, name=network.name)
    if not form.quantized:
        raise NetworkError(f"{file} is not quantized; name it as the network to quantize it")
    for what, expected, found in (
        ("takes", network.inputs, form.inputs),
        ("gives", network.outputs, form.outputs),
    ):
        if _kinds(expected) != _kinds(found):
            raise NetworkError(
                f"{file} {what} {_listed(found)} where network '{network.name}' {what} "
                f"{_listed(expected)}: they aren't two forms of one network"
            )
    for note in form.notes:
        progress.log(note)
    return replace(task, given=form)


def _kinds(specs: tuple[TensorSpec, ...]) -> list[tuple[tuple[int, ...], str]]:
    return [(spec.shape, spec.dtype) for spec in specs]


def _listed(specs: tuple[TensorSpec, ...]) -> str:
    return ", ".join(f"{spec.dtype} {list(spec.shape)}" for spec in specs)


def as_network(task: Task, form: Network) -> Task:
    """The same task with the quantized form as its network."""
    return replace(task, network=form, given=None)
