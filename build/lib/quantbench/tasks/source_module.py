"""Turn an nn.Module in memory into a Network: a copy is run on a few samples to know it."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from quantbench.errors import NetworkError, cause
from quantbench.samples.records import Array, Arrays
from quantbench.system.silence import silenced
from quantbench.tasks.module_copy import float_copy, kind_of
from quantbench.tasks.module_hash import identify
from quantbench.tasks.module_outputs import (
    NamedOutput,
    adapted,
    identifier,
    is_flat,
    outputs_of,
    unique_names,
)
from quantbench.tasks.network import Network, TensorSpec

RELATIVE_TOLERANCE = 1e-3
"""Difference, as a share of the largest output, that another order of additions may make."""


@dataclass(frozen=True)
class _Inputs:
    """Samples as arguments of a module's forward: float32 or integers, [N, ...] each."""

    names: tuple[str, ...]
    arrays: Arrays
    keywords: bool
    """Whether they have to be passed by name."""
    all: bool
    """Whether forward takes these and no others, which would be left at their defaults."""

    def batch(self, *indices: int) -> tuple[torch.Tensor, ...]:
        """Samples as one batch; beyond the last it begins again at the first."""
        return tuple(
            torch.from_numpy(array.take(indices, axis=0, mode="wrap")) for array in self.arrays
        )


def network_of(
    module: nn.Module,
    example: Sequence[Array] | Mapping[str, Array],
    name: str | None = None,
    origin: str | None = None,
    notes: tuple[str, ...] = (),
    fixed_batch: int | None = None,
) -> Network:
    """Describe a module by running a float32 copy of it, in eval mode, on the example's samples.

    `example` holds an array [N, ...] for each input, in the order of forward's parameters or by
    their names; of `fixed_batch` samples, where the module is known to take no other number.
    The module stays exactly as it was. Raises NetworkError where it can't take the
    samples, or returns something else than finite floats for each of them.
    """
    clone = float_copy(module)
    inputs = _inputs(clone.module, example)
    value, outputs, fixed_batch = _probed(clone.module, inputs, fixed_batch)
    names = unique_names(outputs)
    master = (
        clone.module
        if is_flat(value) and inputs.all
        else adapted(
            clone.module, inputs.names, inputs.keywords, [output.path for output in outputs]
        ).eval()
    )
    identity = identify(master)
    kind = kind_of(module)
    return Network(
        name=name or kind,
        inputs=tuple(
            TensorSpec(name=input_name, shape=array.shape[1:], dtype=array.dtype.name)
            for input_name, array in zip(inputs.names, inputs.arrays, strict=True)
        ),
        outputs=tuple(
            TensorSpec(name=output_name, shape=tuple(output.tensor.shape[1:]))
            for output_name, output in zip(names, outputs, strict=True)
        ),
        sha256=identity.sha256,
        make_module=lambda: copy.deepcopy(master),
        sources=identity.sources,
        fixed_batch=fixed_batch,
        origin=origin or f"a {kind} in memory",
        notes=(*notes, *clone.notes, *_said_of(fixed_batch)),
    )


def _said_of(fixed_batch: int | None) -> tuple[str, ...]:
    if fixed_batch is None:
        return ()
    return (
        f"the network works only for batches of {fixed_batch}: with two samples at once it fails "
        "or gives other outputs",
    )


def _inputs(module: nn.Module, example: Sequence[Array] | Mapping[str, Array]) -> _Inputs:
    """Match the example's arrays to forward's parameters. Raises NetworkError."""
    parameters = list(inspect.signature(module.forward).parameters.values())
    several = [p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters]
    plain = [p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD]
    required = [
        p.name
        for p in parameters
        if p.default is inspect.Parameter.empty
        and p.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    ]
    if isinstance(example, Mapping):
        unknown = [name for name in example if name not in plain]
        missing = [name for name in required if name not in example]
        if unknown or missing:
            raise NetworkError(
                f"{kind_of(module)}.forward takes ({', '.join(plain)}), the samples are named "
                f"({', '.join(example)}); give each input by the name of its parameter"
            )
        names = tuple(name for name in plain if name in example)
        arrays = tuple(example[name] for name in names)
    else:
        names = tuple(plain[: len(example)])
        if any(several):
            names = tuple(f"input_{index}" for index in range(len(example)))
        if len(names) < len(example) or len(example) < len(required):
            raise NetworkError(
                f"{kind_of(module)}.forward takes ({', '.join(plain)}), but the samples have "
                f"{len(example)} input{'s' * (len(example) != 1)}; give one array for each"
            )
        arrays = tuple(example)
    positional = [p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    keywords = not any(several) and tuple(positional[: len(names)]) != names
    named = tuple(identifier(name) for name in names)
    return _Inputs(
        names if keywords else named,
        tuple(_as_input(name, array) for name, array in zip(names, arrays, strict=True)),
        keywords,
        names == tuple(p.name for p in parameters),
    )


def _as_input(name: str, array: Array) -> Array:
    """A sample array as a network takes it: real numbers as float32. Raises NetworkError."""
    array = np.ascontiguousarray(array)
    if array.ndim == 0 or not len(array):
        raise NetworkError(f"input '{name}' has no samples; give an array [N, ...]")
    if array.dtype.kind == "f":
        return array.astype(np.float32, copy=False)
    if array.dtype.kind not in "biu":
        raise NetworkError(f"input '{name}' is of dtype {array.dtype}; give numbers")
    return array


def _probed(
    module: nn.Module, inputs: _Inputs, fixed_batch: int | None
) -> tuple[object, tuple[NamedOutput, ...], int | None]:
    """The outputs of a module for a batch, as they are and flattened, and the only batch if any."""
    size = fixed_batch or 1
    with torch.random.fork_rng(devices=[]), torch.no_grad(), silenced():
        torch.default_generator.manual_seed(0)
        probe = copy.deepcopy(module)
        value = _run(probe, inputs, inputs.batch(*range(size)))
        outputs = outputs_of(value, module)
        _require_floats(module, outputs, size)
        again = outputs_of(_run(probe, inputs, inputs.batch(*range(size))), module)
        if not _agree(outputs, again):
            raise NetworkError(
                f"{kind_of(module)} gives another output each time for the same sample; let its "
                "random parts, such as dropout, heed eval()"
            )
        if fixed_batch:
            return value, outputs, fixed_batch
        second = outputs_of(_run(probe, inputs, inputs.batch(1)), module)
        try:
            together = outputs_of(_run(probe, inputs, inputs.batch(0, 1)), module)
        except NetworkError:
            return value, outputs, 1
    joined = [
        NamedOutput(a.path, torch.cat((a.tensor, b.tensor)))
        for a, b in zip(outputs, second, strict=True)
    ]
    return value, outputs, None if _agree(joined, together) else 1


def _run(module: nn.Module, inputs: _Inputs, batch: tuple[torch.Tensor, ...]) -> object:
    try:
        if inputs.keywords:
            return module(**dict(zip(inputs.names, batch, strict=True)))
        return module(*batch)
    except Exception as error:
        shapes = ", ".join(
            f"{name} {array.dtype} {list(array.shape[1:])}"
            for name, array in zip(inputs.names, inputs.arrays, strict=True)
        )
        raise NetworkError(
            f"{kind_of(module)} can't take the samples ({shapes}): {cause(error)}"
        ) from error


def _require_floats(module: nn.Module, outputs: Sequence[NamedOutput], size: int) -> None:
    """Raise NetworkError for outputs that aren't finite float32 [size, ...]."""
    for output in outputs:
        which = f"{kind_of(module)}'s output '{output.name}'"
        tensor = output.tensor
        dtype = str(tensor.dtype).removeprefix("torch.")
        if not tensor.is_floating_point():
            raise NetworkError(
                f"{which} is {dtype}; return the real-valued scores that it is made from, so that "
                "small differences can be seen"
            )
        if tensor.dtype != torch.float32:
            raise NetworkError(f"{which} is {dtype}; let forward return float32")
        if tensor.ndim == 0 or len(tensor) != size:
            raise NetworkError(
                f"{which} has the shape {list(tensor.shape)} for a batch of {size}; keep the batch "
                f"as its first axis, [{size}, ...]"
            )
        if not tensor.numel():
            raise NetworkError(f"{which} is empty; return outputs that have values")
        if not tensor.isfinite().all():
            raise NetworkError(
                f"{which} is NaN or infinite for the first samples; check the weights and how the "
                "samples are prepared"
            )


def _agree(first: Sequence[NamedOutput], second: Sequence[NamedOutput]) -> bool:
    """Whether two runs gave the same tensors, but for the order of additions."""
    return len(first) == len(second) and all(
        a.tensor.shape == b.tensor.shape
        and a.tensor.dtype == b.tensor.dtype
        and bool((a.tensor - b.tensor).abs().amax() <= RELATIVE_TOLERANCE * a.tensor.abs().amax())
        for a, b in zip(first, second, strict=True)
    )
