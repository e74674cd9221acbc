"""The number formats of a row in a few letters, or in a few words."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.numerics.formats import NumberFormat
from quantbench.report.words import percent
from quantbench.results.records import Row

LEGEND = (
    "w8c: weights of 8 bits, a scale per channel (t: per tensor). a8u: activations of 8 bits, "
    "unsigned (s: signed; d: scaled at run time). f: share of multiply-adds left float."
)


def coded(row: Row) -> str:
    """Letters such as "w8c a8u f97%"."""
    weights, activations = row.numerics.weights, row.numerics.activations
    if not row.numerics.quantized:
        return row.numerics.text
    each = _each("", (format.granularity[0] for format in weights))
    signs = _each("", (_sign(format)[0] for format in activations))
    dynamic = "d" if _dynamic(activations) else ""
    left = f" f{percent(row.coverage.float_share, 0)}" if row.coverage.float_macs else ""
    return f"w{_bits(weights)}{each} a{_bits(activations)}{signs}{dynamic}{left}"


def spelled(row: Row) -> str:
    """Words such as "w8 per channel, a8 unsigned, 97% float"."""
    weights, activations = row.numerics.weights, row.numerics.activations
    if not row.numerics.quantized:
        return row.numerics.text
    each = _each("/", (format.granularity for format in weights))
    kinds = "dynamic" if _dynamic(activations) else _each("/", map(_sign, activations))
    parts = [f"w{_bits(weights)} per {each}", f"a{_bits(activations)} {kinds}"]
    if row.coverage.float_macs:
        parts.append(f"{percent(row.coverage.float_share, 0)} float")
    return ", ".join(parts)


def _bits(formats: Iterable[NumberFormat]) -> str:
    used = (f.used_bits if f.used_bits and f.narrowed else f.bits for f in formats)
    return _each("/", map(str, used))


def _sign(format: NumberFormat) -> str:
    if format.kind == "float":
        return "float"
    return "signed" if format.signed else "unsigned"


def _dynamic(formats: Iterable[NumberFormat]) -> bool:
    return any(format.scaling == "dynamic" for format in formats)


def _each(between: str, texts: Iterable[str]) -> str:
    """The different ones in their order."""
    return between.join(dict.fromkeys(texts))
