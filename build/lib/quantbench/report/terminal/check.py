"""The page of a preflight: what looks wrong first, then layers, capabilities and the estimate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from quantbench.report.terminal.grid import listed, titled
from quantbench.report.terminal.network import layer_table
from quantbench.report.words import NONE, count, duration, joined
from quantbench.studies.capabilities import Capability
from quantbench.studies.estimate import Estimate
from quantbench.studies.preflight import Preflight
from quantbench.system.terminal import harmless, one_line
from quantbench.tasks.network import TensorSpec
from quantbench.tasks.records import Diagnostic

_ORDERS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def preflight_page(preflight: Preflight) -> RenderableType:
    """All that a preflight found, within 80 columns."""
    parts: list[RenderableType] = [
        Text(_title(preflight), style="bold"),
        *(Text(f"  {line}") for line in _task(preflight)),
        Text(),
        *_diagnostics(preflight.diagnostics),
    ]
    if preflight.layers:
        parts += [Text(), layer_table(preflight.layers, "Layers")]
    if preflight.capabilities:
        parts += [Text(), *_capabilities(preflight.capabilities)]
    if preflight.estimate is not None:
        parts += [Text(), *_estimate(preflight.estimate)]
    return Group(*parts)


def size(number: int) -> str:
    """Bytes in a unit that suits them: "1.2 GiB"."""
    for unit, name in _ORDERS:
        if number >= unit:
            return f"{number / unit:.3g} {name}"
    return count(number, "byte")


def _title(preflight: Preflight) -> str:
    return harmless(f"{preflight.network} on {preflight.data}")


def _task(preflight: Preflight) -> Iterator[str]:
    yield f"takes {joined(map(_spec, preflight.inputs))}"
    yield f"gives {joined(map(_spec, preflight.outputs))}"
    yield ", ".join(f"{number:,} {name}" for name, number in preflight.samples.items()) + " samples"
    figure = preflight.float_figure
    if figure is not None:
        bounds = ""
        if figure.low is not None and figure.high is not None:
            bounds = f", between {figure.low:.4g} and {figure.high:.4g} (95 %)"
        yield f"{preflight.metric} of the float network {figure.value:.4g}{bounds}"


def _spec(spec: TensorSpec) -> str:
    return f"{harmless(spec.name)} {spec.dtype} [{', '.join(map(str, ('N', *spec.shape)))}]"


def _diagnostics(found: Sequence[Diagnostic]) -> Iterator[RenderableType]:
    if not found:
        yield Text("Nothing looks wrong.")
        return
    stops = sum(diagnostic.stops for diagnostic in found)
    verdict = "this has to be put right first" if stops else "a study can run all the same"
    yield Text(f"What looks wrong ({verdict}; docs/checks.md)", style="bold")
    table = titled("")
    table.title = None
    table.show_header = False
    for _ in range(2):
        table.add_column(overflow="fold")
    for diagnostic in found:
        sign = Text("stop" if diagnostic.stops else "look", style="bold")
        words = Text.assemble(
            (f"{diagnostic.code}: ", "bold"),
            one_line(diagnostic.sentence),
            "\n",
            one_line(f"{diagnostic.remedy}."),
        )
        table.add_row(sign, words)
    yield table


def _capabilities(found: Sequence[Capability]) -> Iterator[RenderableType]:
    able = [capability for capability in found if capability.reason is None]
    if able:
        table = titled("Methods that take it")
        for heading in ("method", "puts on integers", "will try", "runtimes"):
            table.add_column(Text(heading), overflow="fold")
        for capability in able:
            table.add_row(
                Text(harmless(capability.method)),
                Text(", ".join(capability.quantizes) or NONE),
                Text(", ".join(capability.tries) or NONE),
                Text(", ".join(map(harmless, capability.runtimes))),
            )
        yield table
    yield from listed(
        "Methods that don't",
        ((capability.method, capability.reason) for capability in found if capability.reason),
    )


def _estimate(found: Estimate) -> Iterator[RenderableType]:
    yield Text("Estimate of a study", style="bold")
    yield Text(
        f"  {count(found.rows, 'row')} in about {duration(found.seconds)}: quantizing "
        f"{duration(found.quantizing_seconds)}, evaluating {duration(found.evaluating_seconds)}, "
        f"timing {duration(found.timing_seconds)}"
    )
    yield Text(f"  at most about {size(found.memory_bytes)} of memory")
