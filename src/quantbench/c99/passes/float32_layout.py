"""From the float32 graph to steps on memory, laid out as the integer one."""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.ir.float32 import (
    Activate,
    Add,
    Conv,
    Dense,
    FloatGraph,
    FloatNode,
    Pad,
    Pool,
)
from quantbench.c99.ir.graph import Concat, Reshape
from quantbench.c99.passes.layout import (
    BYTES,
    Arrange,
    Draft,
    PlanOf,
    StepOf,
)

FloatWork = Conv | Dense | Pool | Add | Activate | Concat | Pad
FloatStep = StepOf[FloatWork | Arrange]
"""Weights of a Conv lie as [O, kh, kw, I / groups], of a Dense in the order of its input."""
FloatPlan = PlanOf[FloatNode, FloatWork]


def plan(graph: FloatGraph) -> FloatPlan:
    """Places in the scratch memory are counted in float32."""
    draft = Draft[FloatNode, FloatWork](graph, unit=BYTES["float32"])
    for node in graph.nodes:
        _add(draft, node)
    return draft.finished()


def _add(draft: Draft[FloatNode, FloatWork], node: FloatNode) -> None:
    shape = draft.graph.tensors[node.output].shape
    match node:
        case Reshape():
            draft.reshape(node)
        case Conv():
            work: FloatWork = replace(node, weights=node.weights.transpose(0, 2, 3, 1))
            draft.move(work, (node.input,), node.output, draft.natural(shape))
        case Dense():
            work = replace(node, weights=node.weights[:, draft.values[node.input].order])
            draft.move(work, (node.input,), node.output, draft.natural(shape))
        case Pool() | Pad():
            draft.move(node, (node.input,), node.output, draft.natural(shape))
        case Activate():
            draft.move(node, (node.input,), node.output, draft.values[node.input].order)
        case Add():
            draft.move(node, node.inputs, node.output, draft.alike(node.inputs, shape))
        case Concat():
            draft.move(node, node.inputs, node.output, draft.joined(node.inputs, shape))
