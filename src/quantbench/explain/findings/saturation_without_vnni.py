"""8-bit products that x86 without VNNI adds in 16 bits, where they saturate."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.evidence import change, named, quantized, row_names
from quantbench.explain.records import Explanation
from quantbench.numerics.formats import NumberFormat
from quantbench.results.records import Evidence, Finding, Results, Row
from quantbench.system.machine import has_vnni

TITLE = "saturation without VNNI"
ADD_IN_16_BITS = frozenset({"onnxruntime", "torch", "torch_compile"})
"""Runtimes whose kernels for x86 without VNNI add pairs of products by `vpmaddubsw`."""


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for all rows that may saturate; a fault where one is shown to be worse.

    A row that another runtime computes right, as one that adds in 32 bits does, isn't accused of
    more than the risk.
    """
    machine = results.environment
    if machine.architecture not in {"x86_64", "AMD64"} or has_vnni(machine):
        return
    rows = [row for row in quantized(results) if _saturates(row)]
    if not rows:
        return
    changes = [evidence for row in rows if (evidence := change(results, row)) is not None]
    worse = any(row.against_float is not None and row.against_float.costs for row in rows)
    pair = 2 * 255 * 127
    yield Finding(
        rule="saturation_without_vnni",
        weight="fault" if worse else "note",
        sentence=(
            f"{named(row_names(rows))} {'multiplies' if len(rows) == 1 else 'multiply'} 8-bit "
            "unsigned activations by 8-bit signed weights on a CPU without VNNI, where two "
            "products are added in 16 bits and may saturate"
        ),
        evidence=(
            Evidence(what="largest sum of two products", value=pair),
            Evidence(what="largest number of 16 bits", value=32_767),
            *changes[:4],
        ),
        remedy=(
            "reduce weights to 7 bits (--set ort_static.reduce_range=true) or take unsigned "
            "weights (--set ort_static.types=u8u8); the runtime c99 never saturates"
        ),
        rows=row_names(rows),
    )


def _saturates(row: Row) -> bool:
    wide = any(_is(format, signed=True) for format in row.numerics.weights)
    unsigned = any(_is(format, signed=False) for format in row.numerics.activations)
    reduced = row.settings.get("reduce_range") is True
    return row.runtime in ADD_IN_16_BITS and wide and unsigned and not reduced


def _is(format: NumberFormat, *, signed: bool) -> bool:
    eight = format.kind == "integer" and format.bits == 8 and not format.narrowed
    return eight and format.signed == signed
