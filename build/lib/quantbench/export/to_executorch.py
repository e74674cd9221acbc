"""ExecuTorch programs (.pte) whose operators XNNPACK runs.

ExecuTorch is imported where it is used: it takes seconds, and prints while it loads.
"""

from __future__ import annotations

import contextlib
import io
import math
import operator
from pathlib import Path

import torch
from torch import fx, nn
from torch.export import ExportedProgram

from quantbench.errors import UnavailableError
from quantbench.export.pt2e_graph import layer_of
from quantbench.export.refusal import refusing
from quantbench.export.to_program import exported
from quantbench.system.extras import why_missing
from quantbench.system.silence import silenced
from quantbench.tasks.network import Network

MODEL = "model.pte"
LARGEST = 1024
"""The largest batch of one call: memory is planned for it when the program is lowered."""
_LEAST = 16
_NUMBERS = 2**22
"""Numbers that the inputs of a batch may hold: a network of large inputs has a smaller batch."""


def why_unavailable() -> str | None:
    """The reason why ExecuTorch can't be used here, or None."""
    return why_missing("executorch")


def lower(model: nn.Module, network: Network, path: Path) -> dict[str, str]:
    """Write `model`, a form of `network`, for any batch up to the largest.

    Returns the nodes that XNNPACK doesn't run: node -> the layer that it came from. Such nodes
    run on ExecuTorch's portable kernels. Raises UnavailableError.
    """
    if reason := why_unavailable():
        raise UnavailableError(reason)
    if network.fixed_batch is not None:
        raise UnavailableError(
            f"ExecuTorch programs are written for any batch, and network '{network.name}' takes "
            f"{network.fixed_batch} samples at a time"
        )
    largest = largest_batch(network)
    # With an example of fewer than 16 images, tracing a convolution bounds the batch at
    # 15: PyTorch would choose another kernel from there. XNNPACK knows no lower bound.
    program = exported(model, network, batch=largest, most=largest)
    with refusing("ExecuTorch can't lower the network"):
        return _written(program, path)


def largest_batch(network: Network) -> int:
    """The largest batch of one call."""
    numbers = sum(math.prod(spec.shape) for spec in network.inputs)
    return max(_LEAST, min(LARGEST, _NUMBERS // max(numbers, 1)))


def _written(program: ExportedProgram, path: Path) -> dict[str, str]:
    with silenced(), contextlib.redirect_stderr(io.StringIO()), torch.no_grad():
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import ExecutorchBackendConfig, memory, to_edge_transform_and_lower
        from executorch.exir.delegate import executorch_call_delegate
        from executorch.exir.passes import MemoryPlanningPass
        from executorch.exir.passes.sym_shape_eval_pass import ConstraintBasedSymShapeEvalPass

        edge = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
        lowered = edge.to_executorch(
            ExecutorchBackendConfig(
                sym_shape_eval_pass=ConstraintBasedSymShapeEvalPass(),
                memory_planning_pass=MemoryPlanningPass(
                    alloc_graph_input=False, alloc_graph_output=False
                ),
            )
        )
    path.write_bytes(lowered.buffer)
    free = (
        executorch_call_delegate, memory.view, memory.alloc,
        operator.getitem, torch.ops.aten.sym_size.int,
    )  # fmt: skip
    graph: fx.Graph = lowered.exported_program().graph
    return {
        str(node.name): layer_of(node)
        for node in graph.nodes
        if node.op == "call_function" and node.target not in free
    }


def note(outside: dict[str, str]) -> tuple[str, ...]:
    """A note that names the nodes that run outside XNNPACK; () where there are none."""
    if not outside:
        return ()
    return (f"on ExecuTorch's portable kernels, outside XNNPACK: {', '.join(outside)}",)
