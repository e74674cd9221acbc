"""Networks as ONNX."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.export import ExportedProgram


def export(model: nn.Module | ExportedProgram, input_shape: tuple[int, ...], path: Path) -> None:
    """Write `model` with one input "input" [batch, *input_shape] and one output "logits".

    A program must have been exported with a dynamic batch.

    The exporter's notes on where each node came from are left out: they hold paths of the
    machine that exported, and they are no part of the network.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        is_module = isinstance(model, nn.Module)
        program = torch.onnx.export(
            model.eval() if isinstance(model, nn.Module) else model,
            (torch.zeros(2, *input_shape),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},) if is_module else None,
            input_names=["input"],
            output_names=["logits"],
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    graph = proto.graph
    for item in (proto, graph, *graph.node, *graph.input, *graph.output, *graph.value_info,
                 *graph.initializer):  # fmt: skip
        del item.metadata_props[:]
    onnx.checker.check_model(proto, full_check=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))
