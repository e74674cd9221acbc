"""The comment at the head of a generated file: where it comes from, its layers, its memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from quantbench.c99.emit.describe import Description
from quantbench.c99.emit.translation_unit import Memory
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import Plan, Step

FORMAT = 2
"""The version of the format of generated code. 1: names without a prefix, no head. 2: every name
under the model's prefix, golden vectors too; a head with layers and memory.
"""


@dataclass(frozen=True)
class Provenance:
    """The origin of a generated file.

    `sha256`: of the ONNX file; None where there was none. `labels`: the layers' names in the
    user's network, by the name of the ONNX node.
    """

    name: str
    sha256: str | None
    target: str
    isas: tuple[str, ...]
    labels: Mapping[str, str]

    def lines(self) -> list[str]:
        """The lines of a head that name model, source, target and format."""
        kernels = f", kernels for {', '.join(self.isas)}" if self.isas else ""
        return [
            f"model   {self.name}",
            *([f"source  ONNX file with SHA-256 {self.sha256}"] if self.sha256 else []),
            f"target  {self.target}{kernels}",
            f"format  {FORMAT}, written by quantbench {version('quantbench')}",
        ]


def head(
    what: str,
    provenance: Provenance,
    plan: Plan,
    descriptions: Sequence[Description],
    codes: Sequence[Code],
    scratch: Memory,
) -> str:
    """The head of the C file: one comment."""
    lines = [*what.splitlines(), "", *provenance.lines()]
    if plan.steps:
        lines += ["", *_layers(plan, descriptions, codes)]
    lines += ["", *_memory(plan, scratch)]
    return block_comment(lines)


def block_comment(lines: Sequence[str]) -> str:
    """A C comment of several lines, and an empty line behind it."""
    first, *rest = lines
    body = "".join(f"   {line}".rstrip() + "\n" for line in rest)
    return f"/* {first}\n{body.rstrip()} */\n\n"


def _layers(plan: Plan, descriptions: Sequence[Description], codes: Sequence[Code]) -> list[str]:
    rows = [("layer", "name", "shape", "operation", "numbers", "weights", "multiply-adds")]
    for number, (step, layer, code) in enumerate(zip(plan.steps, descriptions, codes, strict=True)):
        counts = f"{code.weights:,} B", f"{plan.macs(step):,}"
        texts = (layer.label, layer.shapes, layer.operation, layer.numbers)
        rows.append((f"l{number}", *texts, *counts))
    weights = sum(code.weights for code in codes)
    total = sum(plan.macs(step) for step in plan.steps)
    rows.append(("all", "", "", "", "", f"{weights:,} B", f"{total:,}"))
    return _table(rows, right=2)


def _memory(plan: Plan, scratch: Memory) -> list[str]:
    """The table of memory: where each tensor lies, and between which layers it is needed."""
    steps = plan.steps
    rows = [("memory", "written by", "read until", "bytes")]
    for place in plan.inputs:
        until = _last_read(steps, -1, place.at) or "-"
        rows.append((place.at, "caller", until, _bytes(place.bytes)))
    for number, step in enumerate(steps):
        if step.output.at not in {place.at for place in plan.outputs}:
            until = _last_read(steps, number, step.output.at) or "-"
            rows.append((step.output.at, f"l{number}", until, _bytes(step.output.bytes)))
    for place in plan.outputs:
        writers = (f"l{at}" for at, step in enumerate(steps) if step.output.at == place.at)
        rows.append((place.at, next(writers, "-"), "caller", _bytes(place.bytes)))
    if scratch.workspace:
        unit = plan.input.bytes // plan.input.size
        at = f"scratch + {scratch.begin // unit}"
        rows.append((at, "workspace", "of one layer", _bytes(scratch.workspace)))
    return [*_table(rows, right=1), f"scratch in all: {scratch.bytes:,} bytes"]


def _bytes(count: int) -> str:
    return f"{count:,}"


def _last_read(steps: Sequence[Step], writer: int, at: str) -> str | None:
    """The last layer that reads what `writer` left there, before another layer writes there."""
    last = None
    for number in range(writer + 1, len(steps)):
        if any(place.at == at for place in steps[number].inputs):
            last = f"l{number}"
        if steps[number].output.at == at:
            break
    return last


def _table(rows: Sequence[tuple[str, ...]], right: int) -> list[str]:
    """Columns as wide as their content, the last `right` of them flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = len(widths) - right
    return [
        "  ".join(
            text.rjust(width) if number >= left else text.ljust(width)
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
