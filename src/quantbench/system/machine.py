"""The machine and the libraries that a figure belongs to, and whether it can measure.

Linux is read in full; on other systems a field that can't be read is empty.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module, metadata
from pathlib import Path

from pydantic import Field

from quantbench.system.record import Record

LIBRARIES = (
    "quantbench", "torch", "numpy", "onnx", "onnxscript", "onnxruntime",
    "openvino", "nncf", "executorch", "torchao",
)  # fmt: skip
_SETS = (
    "sse4_1", "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512vl",
    "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp", "i8mm", "sve",
)  # fmt: skip


_CGROUP = Path("/sys/fs/cgroup")
MOST_LOAD = 0.5
"""The load as a share of the usable cores: above it other programs, or a run before this one, may
disturb times."""


class Environment(Record):
    """The machine and the libraries that a figure belongs to."""

    cpu: str
    architecture: str
    instruction_sets: tuple[str, ...]
    cores: int = Field(description="that this process may use: affinity and quota")
    memory_bytes: int = Field(description="0 where the system doesn't tell")
    governor: str | None
    load: float | None = Field(None, description="at the start, average of the last minute")
    system: str
    python: str
    versions: dict[str, str]


def environment(libraries: tuple[str, ...] = LIBRARIES) -> Environment:
    """Read afresh at each call: an affinity or a quota may have changed."""
    cpuinfo = _cpuinfo()
    flags = (cpuinfo.get("flags") or cpuinfo.get("Features") or "").split()
    return Environment(
        cpu=cpuinfo.get("model name") or platform.processor() or "unknown",
        architecture=platform.machine(),
        instruction_sets=tuple(name for name in _SETS if name in flags),
        cores=cores(),
        memory_bytes=_memory(),
        governor=_read(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        load=_load(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions=versions(libraries),
    )


def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Library -> installed version; one that isn't installed is left out."""
    found = {}
    for name in libraries:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def cores() -> int:
    """Processors this process may use: the smaller of affinity and control-group quota."""
    allowed = affinity()
    return max(1, min(allowed, cpu_quota() or allowed))


def affinity() -> int:
    """Processors that the scheduler may put this process on: all, where it has no affinity."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def why_no_studies() -> str | None:
    """The reason why this system can't measure, in a sentence, or None where it can.

    What needs no worker process, as `quantbench compile` and `list`, works everywhere.
    """
    lacking = [
        what
        for what, there in (
            ("file locks (fcntl)", _importable("fcntl")),
            ("process groups (os.killpg)", "killpg" in vars(os)),
            ("pipes that can be waited for (select)", os.name == "posix"),
        )
        if not there
    ]
    if not lacking:
        return None
    return (
        f"{platform.system() or 'this system'} lacks {', '.join(lacking)}, which training and "
        "measuring need; run them on Linux or macOS"
    )


def peak_memory() -> int:
    """The most bytes that this process has held at once.

    Read from /proc where there is one: getrusage counts what the parent held when it started this
    process. Raises ImportError where there is neither.
    """
    status = (_read(Path("/proc/self/status")) or "").splitlines()
    if peak := next((line for line in status if line.startswith("VmHWM:")), None):
        return int(peak.split()[1]) * 1024
    import resource  # Unix only

    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


def cpu_quota() -> int | None:
    """Whole processors' worth of time that the control group allows; None for all."""
    return _quota(_read(_CGROUP / "cpu.max") or _cgroup_v1())


def overloaded(env: Environment) -> bool:
    """Whether enough other programs ran at the start to disturb times; False where unknown."""
    return env.load is not None and env.load > MOST_LOAD * env.cores


def has_vnni(env: Environment) -> bool:
    """Whether the CPU multiplies 8-bit integers into 32-bit sums in one instruction."""
    return any(name in env.instruction_sets for name in ("avx512_vnni", "avx_vnni"))


def _load() -> float | None:
    """Processes that ran or waited to, on average over the last minute."""
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):  # this system doesn't count them
        return None


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, AttributeError):  # this system doesn't tell
        return 0


def _importable(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True


def _cgroup_v1() -> str:
    """The quota as cpu.max has it; no limit is -1 there, which `_quota` takes for none."""
    parts = (_read(_CGROUP / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return " ".join(part or "" for part in parts)


def _quota(text: str | None) -> int | None:
    """Whole cores of a cpu.max file, "QUOTA PERIOD"; "max PERIOD" and all else limit nothing."""
    numbers = (text or "").split()
    if len(numbers) != 2 or not all(number.isdecimal() and int(number) for number in numbers):
        return None
    return max(1, int(numbers[0]) // int(numbers[1]))


def _cpuinfo() -> dict[str, str]:
    """Field -> value of the first processor in /proc/cpuinfo."""
    text = _read(Path("/proc/cpuinfo")) or ""
    pairs = (line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
