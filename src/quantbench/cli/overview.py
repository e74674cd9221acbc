"""The commands `quantbench list` and `quantbench doctor`; neither loads PyTorch or a runtime."""

from __future__ import annotations

import contextlib
from pathlib import Path

from rich.table import Table

from quantbench import plugin_offers, plugins
from quantbench.cli.loading import loading
from quantbench.data import probe
from quantbench.system.machine import (
    LIBRARIES,
    Environment,
    affinity,
    environment,
    has_vnni,
    overloaded,
    why_no_studies,
)
from quantbench.system.terminal import Terminal, harmless


def list_plugins(*, check: bool) -> None:
    """Print one row for each plug-in: whether what it needs is installed.

    `check`: import each, and say whether that works.
    """
    why_not = plugins.why_unavailable if check else plugins.why_not_installed
    table = Table("kind", "name", "available" if check else "installed", box=None)
    with loading("every plug-in") if check else contextlib.nullcontext():
        for folder, kind in plugin_offers.KINDS.items():
            for name in plugins.names(folder):
                table.add_row(kind, harmless(name), harmless(why_not(folder, name) or "yes"))
    for refused in plugin_offers.refused():
        kind = plugin_offers.KINDS[refused.folder]
        table.add_row(kind, harmless(refused.name), harmless(refused.reason))
    Terminal().print(table)


def doctor(data_dir: Path | None, *, offline: bool) -> None:
    """Print this machine's properties, the libraries' versions, and which data sources answer."""
    machine = environment(LIBRARIES)
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("CPU", f"{machine.cpu}, {_usable(machine.cores)}, {machine.architecture}")
    table.add_row("instruction sets", " ".join(machine.instruction_sets) or "unknown")
    table.add_row("int8 dot product", "yes" if has_vnni(machine) else "no")
    table.add_row("governor", machine.governor or "not shown by this system")
    table.add_row("load", _load(machine))
    table.add_row("memory", _memory(machine))
    table.add_row("system", f"{machine.system}, Python {machine.python}")
    table.add_row("training, measuring", why_no_studies() or "yes")
    for name in LIBRARIES:
        table.add_row(name, machine.versions.get(name, "not installed"))
    for name in plugins.names("data"):
        spec = plugins.data_set(name).spec
        if spec is None:  # its files are the user's: there is no source to ask
            continue
        for status in probe(spec, data_dir=data_dir, offline=offline):
            answer = "answers" if status.ok else "no"
            source = harmless(f"{spec.title}: {status.name}")
            table.add_row(source, harmless(f"{answer}: {status.detail}"))
    Terminal().print(table)


def _usable(cores: int) -> str:
    allowed = affinity()
    return f"{cores} usable" + (
        f" of {allowed}: the control group's quota" if cores < allowed else ""
    )


def _memory(machine: Environment) -> str:
    if not machine.memory_bytes:
        return "not shown by this system"
    return f"{machine.memory_bytes / 2**30:.1f} GiB"


def _load(machine: Environment) -> str:
    if machine.load is None:
        return "not shown by this system"
    warning = ": other programs run, times will be off" if overloaded(machine) else ""
    return f"{machine.load:.2f} in the last minute{warning}"
