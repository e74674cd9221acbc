"""Write docs/networks.md: what each method and runtime makes of each kind of network.

    python -m benchmarks.networks [--width 0.25] [--steps 60] [--budget 120] [--only NAME ...]
                                  [--methods ...] [--runtimes ...] [--page docs/networks.md]

The networks are those of tests/families, fitted to generated data in seconds. Each is studied by
`quantbench.study`, within `--budget` seconds. A cell of the page is the share of multiply-adds
that run on integers; where there is no row, the study's own reason stands below the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import quantbench as qb
from quantbench import plugins
from quantbench.harness.records import Skipped
from quantbench.results.records import Results, Row
from quantbench.samples.records import Array, Arrays
from tests.families.catalogue import FAMILIES
from tests.families.family import Family
from tests.families.fit import fitted

CALIBRATION, TEST = 256, 512
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Studied:
    """A family with the results of its study, or the reason why there is none."""

    family: Family
    results: Results | str


@dataclass(frozen=True)
class Plan:
    """What to study of each network, and for how long."""

    width: float
    steps: int
    budget: float
    methods: tuple[str, ...]
    runtimes: tuple[str, ...]


def study(family: Family, plan: Plan, out: Path) -> Studied:
    """Fit the network, and study it as planned."""
    calibration = _pairs(*family.samples(plan.width, CALIBRATION, 1))
    test = _pairs(*family.samples(plan.width, TEST, 2))
    try:
        finished = qb.study(
            fitted(family, plan.width, plan.steps),
            calibration=calibration,
            test=test,
            metric=family.metric,
            methods=plan.methods,
            runtimes=plan.runtimes,
            budget=plan.budget,
            out=out,
        )
    except qb.QuantbenchError as error:
        return Studied(family, str(error))
    return Studied(family, finished.results)


def _pairs(arrays: Arrays, targets: Array) -> tuple[Array | Arrays, Array]:
    """(x, y) as a user gives them: x is one array where the network has one input."""
    return (arrays[0] if len(arrays) == 1 else arrays), targets


def page(studies: Sequence[Studied], width: float) -> str:
    """The whole page in Markdown."""
    measured = [studied.results for studied in studies if isinstance(studied.results, Results)]
    by = "".join(f", with quantbench {r.quantbench} on {r.environment.cpu}" for r in measured[:1])
    return "\n".join(
        [
            "# Networks: what runs on integers where",
            "",
            f"`python -m benchmarks.networks --width {width:g}` wrote this page"
            f"{by}. Each cell is the share of a network's "
            "multiply-adds that run on integers; a number in brackets leads to the reason why "
            "there is no row. An empty cell: the method writes no file that the runtime reads.",
            "",
            *(line for studied in studies for line in _section(studied)),
        ]
    )


def _section(studied: Studied) -> Iterator[str]:
    yield f"## {studied.family.name}"
    yield ""
    if isinstance(results := studied.results, str):
        yield f"No study: {results}"
        yield ""
        return
    runtimes = sorted({row.runtime for row in results.rows} | _named(results, "runtime"))
    methods = sorted({row.method for row in results.rows} | _named(results, "method"))
    yield f"{results.parameters:,} parameters, {results.macs:,} multiply-adds at this width."
    yield ""
    yield f"| method | {' | '.join(runtimes)} |"
    yield f"|---|{'---|' * len(runtimes)}"
    reasons: list[str] = []
    for method in methods:
        cells = (_cell(results, method, runtime, reasons) for runtime in runtimes)
        yield f"| {method} | {' | '.join(cells)} |"
    yield ""
    yield from (f"{number}. {reason}" for number, reason in enumerate(reasons, 1))
    if reasons:
        yield ""


def _named(results: Results, key: str) -> set[str]:
    return {getattr(skip, key) for skip in results.skipped} - {"*"}


def _cell(results: Results, method: str, runtime: str, reasons: list[str]) -> str:
    """The share of integers, or the number of a reason, which is added where it is new."""
    row = next((r for r in results.rows if (r.method, r.runtime) == (method, runtime)), None)
    if row is not None:
        return _share(row)
    skipped = [skip for skip in results.skipped if _is_about(skip, method, runtime)]
    if not skipped:
        return ""
    reason = skipped[0].reason.replace("|", "\\|")
    if reason not in reasons:
        reasons.append(reason)
    return f"[{reasons.index(reason) + 1}]"


def _is_about(skip: Skipped, method: str, runtime: str) -> bool:
    return skip.method in (method, "*") and skip.runtime in (runtime, "*")


def _share(row: Row) -> str:
    """Round down, so that 100 % means all of it."""
    coverage = row.coverage
    whole = coverage.integer_macs + coverage.float_macs
    if row.kind == "simulated":
        return "simulated"
    if not coverage.integer_macs:
        return "float32"
    return f"{100 * coverage.integer_macs // whole} %"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks")
    parser.add_argument("--width", type=float, default=0.25, help="1.0 is the published size")
    parser.add_argument("--steps", type=int, default=60, help="of training, of 32 samples each")
    parser.add_argument("--budget", type=float, default=120, help="seconds of each study")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="names of families")
    parser.add_argument("--methods", nargs="+", default=plugins.names("methods"))
    parser.add_argument("--runtimes", nargs="+", default=plugins.default_runtimes())
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "networks.md")
    parser.add_argument("--out", type=Path, default=Path("results/networks"))
    asked = parser.parse_args()
    families = [family for family in FAMILIES if not asked.only or family.name in asked.only]
    if not families:
        parser.error(f"no such family; there are: {', '.join(family.name for family in FAMILIES)}")
    plan = Plan(asked.width, asked.steps, asked.budget, tuple(asked.methods), tuple(asked.runtimes))
    studies = []
    for family in families:
        sys.stderr.write(f"{family.name}\n")
        folder = asked.out / family.name.replace("/", "-").replace(" ", "-").lower()
        studies.append(study(family, plan, folder))
        asked.page.write_text(page(studies, asked.width), encoding="utf-8")


if __name__ == "__main__":
    main()
