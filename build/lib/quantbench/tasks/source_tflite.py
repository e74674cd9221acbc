"""Turn a TensorFlow Lite file, float or quantized, into a Network: LiteRT runs it to know it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from quantbench.artifacts.tflite_file import (
    checked,
    is_quantized,
    read_graph,
    reference_interpreter,
)
from quantbench.errors import NetworkError, cause
from quantbench.samples.records import Array, Arrays
from quantbench.tasks.file_outputs import require_floats
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.samples_for import InputSize, samples_for
from quantbench.tasks.tflite_run import Port, inputs_of, outputs_of, resized, runner

_TOLERANCE = 1e-4
"""Difference, as a share of the largest output, that another order of additions may make."""


def tflite_network(
    path: Path, example: Sequence[Array] | Mapping[str, Array] | None, name: str | None = None
) -> Network:
    """Load a TensorFlow Lite file, and run it on the example's samples.

    Without an example it is run on random numbers of the shapes that the file states. Raises
    ArtifactError for a file that LiteRT can't load, UnavailableError where LiteRT isn't installed,
    NetworkError for a network without a batch, or samples that don't fit.
    """
    data = checked(path)
    interpreter = reference_interpreter(data, path)
    quantized = is_quantized(read_graph(path))
    ports, results = inputs_of(interpreter), outputs_of(interpreter)
    batch = _stated_batch(ports, path)
    sizes = [
        InputSize(port.name, batch, tuple(port.shape[1:]), port.dtype) for port in ports
    ]  # what TensorFlow Lite leaves open beside the batch is 1 here, as it allocates it
    arrays = samples_for(sizes, example, path.name)
    if any(port.open_batch for port in ports):
        resized(interpreter, batch)
    outputs = _outputs(interpreter, _taken(arrays, *range(batch)), path)
    require_floats((port.name for port in results), outputs, batch, path, "convert")
    any_batch = _takes_any(data, path, arrays, batch)
    return Network(
        name=name or path.stem,
        inputs=tuple(_spec(port, array) for port, array in zip(ports, arrays, strict=True)),
        outputs=tuple(_spec(port, array) for port, array in zip(results, outputs, strict=True)),
        sha256=hashlib.sha256(data).hexdigest(),
        no_module=f"{path.name} holds a TensorFlow Lite graph, not a PyTorch module",
        tflite=path,
        fixed_batch=None if any_batch else batch,
        quantized=quantized,
        origin=path.name,
        notes=(*_integer_ports(ports, results), *_only(batch, any_batch)),
    )


def _only(batch: int, any_batch: bool) -> tuple[str, ...]:
    return () if any_batch else (f"the network works only for batches of {batch}",)


def _integer_ports(inputs: Sequence[Port], outputs: Sequence[Port]) -> tuple[str, ...]:
    """A note on what is converted at either end, and timed with the rest."""
    sides = (("inputs", inputs), ("outputs", outputs))
    told = [
        f"{side} are {' and '.join(sorted({port.stored.name for port in ports if port.scale}))}"
        for side, ports in sides
        if any(port.scale for port in ports)
    ]
    if not told:
        return ()
    return (f"its {' and its '.join(told)}: real numbers are converted by their scales",)


def _stated_batch(ports: Sequence[Port], path: Path) -> int:
    """The first size of all inputs. Raises NetworkError where there is none, or several."""
    if not ports or any(not port.shape for port in ports):
        raise NetworkError(
            f"{path} has an input without a batch; convert the network with the batch as the "
            "first axis of each input"
        )
    for port in ports:
        if port.dtype.kind not in "biuf":
            raise NetworkError(f"input '{port.name}' of {path} is no tensor of numbers")
    batches = {port.shape[0] for port in ports}
    if len(batches) > 1 or 0 in batches:
        stated = ", ".join(map(str, sorted(batches)))
        raise NetworkError(
            f"{path} takes inputs with different first sizes ({stated}); convert it with the batch "
            "as the first axis of all"
        )
    return batches.pop()


def _taken(arrays: Arrays, *samples: int) -> Arrays:
    return tuple(array.take(samples, axis=0, mode="wrap") for array in arrays)


def _outputs(interpreter: object, arrays: Arrays, path: Path) -> Arrays:
    try:
        return runner(interpreter)(arrays)
    except (RuntimeError, ValueError) as error:
        raise NetworkError(f"{path} can't run on the samples: {cause(error)}") from error


def _takes_any(data: bytes, path: Path, arrays: Arrays, batch: int) -> bool:
    """Whether a batch that is twice as large gives what two give one after the other."""
    single, double = reference_interpreter(data, path), reference_interpreter(data, path)
    first, second = range(batch), range(batch, 2 * batch)
    try:
        resized(double, 2 * batch)
        both = runner(double)(_taken(arrays, *first, *second))
        run = runner(single)
        parts = [run(_taken(arrays, *samples)) for samples in (first, second)]
    except (RuntimeError, ValueError):
        return False
    joined = [np.concatenate(pair) for pair in zip(*parts, strict=True)]
    return all(
        a.shape == b.shape and bool(np.abs(a - b).max() <= _TOLERANCE * np.abs(a).max())
        for a, b in zip(joined, both, strict=True)
    )


def _spec(port: Port, array: Array) -> TensorSpec:
    return TensorSpec(name=port.name, shape=array.shape[1:], dtype=array.dtype.name)
