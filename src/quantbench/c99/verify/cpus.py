"""The CPUs on which a delivered folder can run: this one, set by set, and those QEMU simulates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quantbench.c99.build import toolchain
from quantbench.c99.build.machines import MACHINES, PROGRAM, Machine
from quantbench.c99.build.toolchain import Compiler
from quantbench.c99.emit.namespace import renamed
from quantbench.c99.target.isa import ISAS, Isa
from quantbench.errors import UnavailableError, UnknownNameError

ALL, NATIVE, PORTABLE = "all", "native", "portable"
_FLAGS = ("-O3",)


@dataclass(frozen=True)
class Cpu:
    """A way to build and run the C; `missing` says why that can't be done here.

    `command`: the compiler with its flags. `run`: what runs PROGRAM. `machine`: the simulated one;
    None: this machine. `how`: compiler and flags, or the simulator, for the user.
    """

    name: str
    command: tuple[str, ...] = ()
    run: tuple[str, ...] = (PROGRAM,)
    machine: Machine | None = None
    how: str = ""
    missing: str | None = None


def isas_in(source: str, name: str) -> tuple[Isa, ...]:
    """The instruction sets that the text of NAME.c has kernels for."""
    return tuple(isa for isa in ISAS if f"#define {renamed(isa.macro, name)} " in source)


def chosen(asked: Sequence[str], isas: Sequence[Isa], name: str) -> tuple[Cpu, ...]:
    """The CPUs that a user names, of a folder with kernels for `isas`; () is this CPU.

    "all" is every one that there is, with those that are missing. Raises UnknownNameError, and
    UnavailableError for one that is named and can't be had here.
    """
    if ALL in asked:
        return tuple(_every(isas, name))
    names = tuple(asked) or (NATIVE,)
    known = _known(isas, name)
    if unknown := [cpu for cpu in names if cpu not in known]:
        raise UnknownNameError("cpu", unknown[0], (*known, ALL))
    cpus = tuple(known[cpu] for cpu in dict.fromkeys(names))
    for cpu in cpus:
        if cpu.missing:
            raise UnavailableError(f"--cpu {cpu.name}: {cpu.missing}")
    return cpus


def _known(isas: Sequence[Isa], name: str) -> dict[str, Cpu]:
    here = [_native(), *(_kernels(isa, name) for isa in ((None, *isas) if isas else ()))]
    simulated = [_simulated(machine, isas, name) for machine in MACHINES]
    return {cpu.name: cpu for cpu in (*here, *simulated)}


def _every(isas: Sequence[Isa], name: str) -> list[Cpu]:
    """All but what is there twice: sets of kernels stand for `native`, QEMU's machines for NEON."""
    known = _known(isas, name)
    if isas:
        known.pop(NATIVE)
    for machine in MACHINES:
        isa = machine.isa
        if isa and isa.name in known and known[isa.name].missing:
            known.pop(isa.name)
    return [*known.values()]


def _compiler() -> Compiler | str:
    """The C compiler of this machine, or why there is none."""
    try:
        return toolchain.find()
    except UnavailableError as error:
        return str(error)


def _native() -> Cpu:
    compiler = _compiler()
    if isinstance(compiler, str):
        return Cpu(NATIVE, missing=compiler)
    flags = (*_FLAGS, *compiler.native)
    return Cpu(NATIVE, (*compiler.command, *flags), how=_how(compiler, flags))


def _kernels(isa: Isa | None, name: str) -> Cpu:
    """One set of kernels on this CPU; None: the portable ones."""
    own = isa.name if isa else PORTABLE
    compiler = _compiler()
    if isinstance(compiler, str):
        return Cpu(own, missing=compiler)
    if isa and not toolchain.meets(compiler, isa.condition):
        return Cpu(own, missing="this CPU, or its C compiler, doesn't have these instructions")
    flags = (*_FLAGS, *(compiler.native if isa else ()))
    choice = _choice(isa, name)
    return Cpu(own, (*compiler.command, *flags, choice), how=_how(compiler, flags))


def _choice(isa: Isa | None, name: str) -> str:
    value = isa.macro if isa else "MODEL_PORTABLE"
    return f"-D{renamed(f'MODEL_KERNELS={value}', name)}"


def _how(compiler: Compiler, flags: Sequence[str]) -> str:
    return f"{compiler.version}, {' '.join(flags)}"


def _simulated(machine: Machine, isas: Sequence[Isa], name: str) -> Cpu:
    if missing := machine.missing():
        return Cpu(machine.name, machine=machine, missing=missing)
    flags = (_choice(machine.isa, name),) if machine.isa in isas else ()
    kernels = f", {machine.isa.name}" if machine.isa and flags else ""
    return Cpu(
        machine.name,
        (*machine.compiler, *flags),
        machine.run,
        machine,
        f"{machine.compiler[0]}, {machine.run[0]}{kernels}",
    )
