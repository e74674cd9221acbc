"""Turn a program of torch.export, saved as a .pt2 file, into a Network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.utils._pytree as pytree
from torch import SymInt, fx
from torch.export import ExportedProgram

from quantbench.artifacts.pt2_file import read_program
from quantbench.errors import NetworkError
from quantbench.samples.records import Array
from quantbench.system.silence import silenced
from quantbench.tasks.module_outputs import outputs_of, unique_names
from quantbench.tasks.network import Network
from quantbench.tasks.samples_for import InputSize, samples_for
from quantbench.tasks.source_module import network_of

_QUANTIZED = "quantized_decomposed"


def program_network(
    path: Path, example: Sequence[Array] | Mapping[str, Array] | None, name: str | None = None
) -> Network:
    """Load a .pt2 file, of which nothing is unpickled, and run it on the example's samples.

    Without an example it is run on random numbers of the shapes that the file states. Raises
    ArtifactError for a file that isn't admitted, NetworkError for samples that don't fit.
    """
    program = read_program(path, foreign=True)
    sizes = _sizes(program, path)
    batches = {size.batch for size in sizes}
    if len(batches) > 1:
        stated = ", ".join(f"{size.name} {size.batch or 'any'}" for size in sizes)
        raise NetworkError(
            f"{path}: its inputs have different batches ({stated}); export it with one for all"
        )
    module = _as_module(program)
    quantized = any(_QUANTIZED in str(node.target) for node in module.graph.nodes)
    network = network_of(
        module,
        samples_for(sizes, example, path.name),
        name or path.stem,
        path.name,
        fixed_batch=sizes[0].batch,
    )
    outputs = tuple(
        spec.model_copy(update={"name": output_name})
        for spec, output_name in zip(network.outputs, _output_names(program), strict=True)
    )
    return replace(network, outputs=outputs, quantized=quantized)


def _sizes(program: ExportedProgram, path: Path) -> tuple[InputSize, ...]:
    """The inputs of a program. Raises NetworkError for one that isn't a tensor with a batch."""
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    sizes = []
    for name in program.graph_signature.user_inputs:
        value = values.get(name) if isinstance(name, str) else None
        if not isinstance(value, torch.Tensor) or value.ndim == 0:
            raise NetworkError(
                f"{path}: its input '{name}' is no tensor with a batch; export the network with "
                "tensors as its only inputs"
            )
        batch, *shape = (None if isinstance(size, SymInt) else int(size) for size in value.shape)
        dtype = np.dtype(str(value.dtype).removeprefix("torch."))
        sizes.append(InputSize(name, batch, tuple(shape), dtype))
    if not sizes:
        raise NetworkError(f"{path}: it takes no input; export the network with its inputs")
    return tuple(sizes)


def _output_names(program: ExportedProgram) -> tuple[str, ...]:
    """The names of the outputs by their keys, where the network returned a mapping."""
    tree = pytree.tree_unflatten(
        [torch.empty(0) for _ in program.graph_signature.user_outputs], program.call_spec.out_spec
    )
    return unique_names(outputs_of(tree, torch.nn.Module()))


def _as_module(program: ExportedProgram) -> fx.GraphModule:
    """The program as a plain module: tensors in, a tensor or a tuple of tensors out.

    PyTorch's own form checks its inputs' sizes, which the caller does, and refuses eval().
    """
    with silenced():
        exported = program.module(check_guards=False)
    assert isinstance(exported, fx.GraphModule)
    graph = fx.Graph()
    result = graph.graph_copy(exported.graph, {})
    outputs = [node for node in _flat(result) if isinstance(node, fx.Node)]
    graph.output(outputs[0] if len(outputs) == 1 else tuple(outputs))
    return fx.GraphModule(exported, graph, "Program")


def _flat(value: object) -> list[object]:
    if isinstance(value, tuple | list):
        return [item for part in value for item in _flat(part)]
    return [value]
