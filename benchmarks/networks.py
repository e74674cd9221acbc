"""Write docs/networks.md: which methods and runtimes run which kind of network on integers.

    python -m benchmarks.networks [--width 0.25] [--steps 60] [--only NAME ...] [--with-inductor]
                                  [--methods ...] [--runtimes ...] [--jobs 2]
                                  [--page docs/networks.md]

The networks are those of tests/families, fitted to generated data in seconds. Each method
quantizes each of them, the artifact's file is read for what it holds as integers, and it is run on
calibration samples on one runtime, as a study does before it measures. Nothing is evaluated or
timed. A network takes about a minute on one processor, most of it importing and exporting, so that
`--jobs` networks are walked at a time, each on one thread. Each finished step is kept in `--out`:
what was stopped goes on, and networks that `--only` leaves out keep their part of the page.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from benchmarks.networks_page import Cell, Walk, page
from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Plugin, RuntimeModule
from quantbench.errors import QuantbenchError
from quantbench.harness.deadline import NO_LIMIT, Deadline
from quantbench.harness.pool import Candidate
from quantbench.harness.records import Skipped
from quantbench.harness.trial import Trials
from quantbench.samples.records import Array, Arrays
from quantbench.studies.candidates import candidates_of
from quantbench.studies.choose import ChosenMethod, Runtimes, choose_methods, choose_runtimes
from quantbench.studies.own import Own, own_task
from quantbench.studies.workspace import Workspace, workspace
from quantbench.system.machine import Environment, environment
from quantbench.system.progress import NO_PROGRESS
from quantbench.tasks.network_layers import network_layers
from tests.families.catalogue import FAMILIES
from tests.families.family import Family
from tests.families.fit import fitted

CALIBRATION, TEST = 256, 32
ROOT = Path(__file__).parents[1]
INDUCTOR = "torch_compile"
WALK = "walk.json"


@dataclass(frozen=True)
class Plan:
    """What to try on each network."""

    width: float
    steps: int
    methods: dict[str, ChosenMethod | str]
    runtimes: Runtimes
    machine: Environment
    with_inductor: bool


class WithoutInductor(Trials):
    """Trials that believe a program's file instead of compiling it to C++, which takes minutes."""

    def failures(
        self,
        artifact: Artifact,
        runtimes: Sequence[Plugin[RuntimeModule]],
        deadline: Deadline = NO_LIMIT,
    ) -> dict[str, Skipped]:
        others = [runtime for runtime in runtimes if runtime.name != INDUCTOR]
        return super().failures(artifact, others, deadline)


def walk(family: Family, plan: Plan, out: Path) -> Walk:
    """Fit the network, and see what each method makes of it and each runtime says to that."""
    with workspace(out) as space:
        own = Own(
            network=fitted(family, plan.width, plan.steps),
            calibration=_pairs(*family.samples(plan.width, CALIBRATION, 1)),
            test=_pairs(*family.samples(plan.width, TEST, 2)),
            name=family.name,
        )
        try:
            return _walked(own, plan, space)
        except QuantbenchError as error:
            return Walk(family=family.name, failure=str(error))


def _walked(own: Own, plan: Plan, space: Workspace) -> Walk:
    task = own_task(own, space.scratch / "given")
    kind = Trials if plan.with_inductor else WithoutInductor
    trials = kind(task, space.trials, space.scratch, plan.machine)
    candidates = candidates_of(
        task, plan.methods, plan.runtimes, space.artifacts, trials, NO_PROGRESS, NO_LIMIT
    )
    with contextlib.closing(candidates):
        cells = tuple(map(_cell, candidates))
    module = task.network.module()
    return Walk(
        family=task.name,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        macs=sum(layer.macs for layer in network_layers(task.network)),
        cells=(*cells, *map(_cell, plan.runtimes.skipped)),
    )


def _cell(outcome: Candidate | Skipped) -> Cell:
    if isinstance(outcome, Skipped):
        return Cell(
            method=outcome.method,
            runtime=outcome.runtime,
            reason=outcome.reason,
            failed=outcome.failed,
        )
    body = outcome.artifact.body
    return Cell(
        method=body.method,
        runtime=outcome.runtime.name,
        simulated=body.quantized.kind == "simulated",
        coverage=body.quantized.coverage,
    )


def _pairs(arrays: Arrays, targets: Array) -> tuple[Array | Arrays, Array]:
    """(x, y) as a user gives them: x is one array where the network has one input."""
    return (arrays[0] if len(arrays) == 1 else arrays), targets


def folder_of(family: Family, out: Path, width: float) -> Path:
    """The workspace of a family at a width."""
    return out / f"{family.name.replace('/', '-').replace(' ', '-').lower()}-{width:g}"


def plan_of(asked: argparse.Namespace) -> Plan:
    """What the command line asks to try on each network."""
    return Plan(
        width=asked.width,
        steps=asked.steps,
        methods=choose_methods(tuple(asked.methods), {}),
        runtimes=choose_runtimes(asked.runtimes),
        machine=environment(),
        with_inductor=asked.with_inductor,
    )


def _kept(name: str, asked: argparse.Namespace) -> str:
    """Walk a family, in a process that may have walked others, and keep the walk in a file."""
    family = next(family for family in FAMILIES if family.name == name)
    folder = folder_of(family, asked.out, asked.width)
    result = walk(family, plan_of(asked), folder)
    (folder / WALK).write_text(result.model_dump_json(indent=1), encoding="utf-8")
    return name


def _all_kept(names: Sequence[str], asked: argparse.Namespace) -> Iterator[str]:
    """Yield the name of each family once it is walked, some at a time in processes of their own."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # before they import
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=asked.jobs, mp_context=fresh) as pool:
        for done in as_completed([pool.submit(_kept, name, asked) for name in names]):
            yield done.result()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks")
    parser.add_argument("--width", type=float, default=0.25, help="1.0 is the published size")
    parser.add_argument("--steps", type=int, default=60, help="of training, of 32 samples each")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="names of families")
    methods = [name for name in plugins.default_methods() if name != "qat"]
    parser.add_argument("--methods", nargs="+", default=methods, help="all but qat, which trains")
    parser.add_argument("--runtimes", nargs="+", default=plugins.default_runtimes())
    parser.add_argument(
        "--with-inductor",
        action="store_true",
        help=f"compile programs for {INDUCTOR} and try them, about a minute each",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="networks at a time")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "networks.md")
    parser.add_argument("--out", type=Path, default=Path("results/networks"))
    asked = parser.parse_args()
    families = [family for family in FAMILIES if not asked.only or family.name in asked.only]
    if not families:
        parser.error(f"no such family; there are: {', '.join(family.name for family in FAMILIES)}")
    plan = plan_of(asked)
    for name in _all_kept([family.name for family in families], asked):
        sys.stderr.write(f"{name}\n")
        files = {each.name: folder_of(each, asked.out, plan.width) / WALK for each in FAMILIES}
        walked = [file for file in files.values() if file.exists()]
        text = page(
            [Walk.model_validate_json(file.read_bytes()) for file in walked],
            command=f"python -m benchmarks.networks --width {plan.width:g} --steps {plan.steps}",
            environment=f"quantbench {plan.machine.versions['quantbench']} on {plan.machine.cpu}",
            untried=() if plan.with_inductor else (INDUCTOR,),
            missing=[each for each, file in files.items() if file not in walked],
        )
        asked.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
