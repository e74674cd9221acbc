"""Measure the peaks of a core: multiply-adds by instruction set, bytes read by memory level.

peaks.c measures it, in half a second; the outcome is kept in the user's cache, by CPU.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path

from pydantic import JsonValue

from quantbench.c99.build import toolchain
from quantbench.c99.build.toolchain import Compiler
from quantbench.errors import UnavailableError
from quantbench.explain.records import Peaks
from quantbench.system.cache import code_folder, entry
from quantbench.system.machine import Environment, environment

KIND = "peaks"
CYCLES = "cycles"
LEVELS = ("l1", "l2", "memory")
_SECONDS = 60.0
_NEEDS: dict[str, frozenset[str]] = {
    "sse2 float32": frozenset(),
    "sse2 int8": frozenset(),
    "avx2 float32": frozenset(("avx2", "fma")),
    "avx2 int8": frozenset(("avx2",)),
    "avx2 int8 pmaddubsw": frozenset(("avx2",)),
    "avxvnni int8": frozenset(("avx_vnni",)),
    "avx512 float32": frozenset(("avx512f",)),
    "avx512 int8": frozenset(("avx512bw",)),
    "avx512vnni int8": frozenset(("avx512_vnni",)),
    "amx_int8 int8": frozenset(("amx_int8",)),
    "neon float32": frozenset(("asimd",)),
    "neon int8": frozenset(("asimd",)),
    "neon_dot int8": frozenset(("asimddp",)),
}
"""Kernel of peaks.c -> the instruction sets that it uses, beyond those of every such processor."""
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True)
class CacheSizes:
    """Bytes of one core's first and second data cache, and of the largest that it shares."""

    l1: int = 32 << 10
    l2: int = 512 << 10
    last: int = 32 << 20


def measured_peaks() -> Peaks:
    """The peaks of this CPU, from the cache or measured now.

    Raises UnavailableError where no C compiler can be used, or what it builds can't be run, and
    StorageError where the cache can't be written.
    """
    machine, compiler = environment(libraries=()), toolchain.find()
    source = _source()
    inputs: dict[str, JsonValue] = {
        "cpu": machine.cpu,
        "instruction_sets": [*machine.instruction_sets],
        "compiler": [*compiler.command, compiler.version],
        "source": sha256(source.encode()).hexdigest(),
    }

    with entry(
        code_folder(KIND), KIND, KIND, inputs, Peaks, lambda _: measure(compiler, machine, source)
    ) as stored:
        return stored.body


def measure(compiler: Compiler, machine: Environment, source: str | None = None) -> Peaks:
    """Build and run peaks.c. Raises UnavailableError with the compiler's or its own reason."""
    sizes = cache_sizes()
    bytes_read = (sizes.l1 // 2, sizes.l2 // 2, min(4 * sizes.last, 256 << 20))
    names = (CYCLES, *kernels(machine))
    with tempfile.TemporaryDirectory() as part:
        folder = Path(part)
        (folder / "peaks.c").write_text(source or _source(), encoding="utf-8")
        command = (*compiler.command, "-O3", "peaks.c", "-o", "peaks")
        if why := toolchain.run(command, folder):
            raise UnavailableError(f"the C compiler can't build the measurement of peaks: {why}")
        ran = toolchain.ran(
            (str(folder / "peaks"), *map(str, bytes_read), *names), folder, _SECONDS
        )
    if ran.failed:
        raise UnavailableError(f"the measurement of this CPU's peaks failed: {ran.failed}")
    figures = {
        name: float(value)
        for name, tab, value in (line.partition("\t") for line in ran.said.splitlines())
        if tab
    }
    return Peaks(
        macs_per_us={name: figures[name] for name in names if name != CYCLES and name in figures},
        bytes_per_us={level: figures[level] for level in LEVELS},
        cycles_per_us=figures[CYCLES],
    )


def kernels(machine: Environment) -> tuple[str, ...]:
    """The kernels of peaks.c that the machine can run."""
    sets = frozenset(machine.instruction_sets)
    own = ("sse2", "avx", "amx") if machine.architecture in ("x86_64", "AMD64") else ("neon",)
    return tuple(name for name, needs in _NEEDS.items() if name.startswith(own) and needs <= sets)


def cache_sizes(folder: Path = _CACHES) -> CacheSizes:
    """The sizes of the caches, as Linux tells them; usual ones where it doesn't."""
    levels: dict[int, int] = {}
    for index in sorted(folder.glob("index*")):
        kind, level, size = (_read(index / name) for name in ("type", "level", "size"))
        if kind != "Instruction" and level.isdecimal() and size[:-1].isdecimal():
            levels[int(level)] = int(size[:-1]) * _UNITS.get(size[-1], 1)
    usual = CacheSizes()
    return CacheSizes(
        levels.get(1, usual.l1), levels.get(2, usual.l2), max(levels.values(), default=usual.last)
    )


def _source() -> str:
    return (resources.files("quantbench.explain") / "peaks.c").read_text("utf-8")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
