"""Run a command on this CPU as if it lacked instruction sets: what an older one would choose.

    python -m benchmarks.older_cpu {vnni,avx2} COMMAND ...
    python -m benchmarks.older_cpu avx2 python -m benchmarks.c99_against ds-cnn --batches 1

`vnni` hides AMX, `avx2` all of AVX-512 and AVX-VNNI as well. Every program that the command starts
sees CPUID and /proc/cpuinfo without them (hide.c), so that runtimes and compilers choose their code
as on such a CPU. Caches, ports and clock stay this CPU's: ratios are those of the same code on
another core than an older one's. Needs Linux on an Intel CPU whose kernel lists `cpuid_fault` in
/proc/cpuinfo, and gcc; says so where they aren't there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HIDDEN = {
    "vnni": ("amx",),
    "avx2": ("amx", "vnni", "avx512"),
}
_CPUINFO = Path("/proc/cpuinfo")


def main(given: list[str]) -> int:
    """Return the exit code of the command, 2 for wrong arguments, 1 where nothing can be hidden."""
    if len(given) < 2 or given[0] not in HIDDEN:
        sys.stderr.write(
            f"usage: python -m benchmarks.older_cpu {{{','.join(HIDDEN)}}} COMMAND ...\n"
        )
        return 2
    told = _CPUINFO.read_text()
    if "cpuid_fault" not in told.split():
        sys.stderr.write("older_cpu: this CPU or kernel can't make CPUID fault\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        library, cpuinfo = Path(folder) / "hide.so", Path(folder) / "cpuinfo"
        source = Path(__file__).with_name("hide.c")
        subprocess.run(
            ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True
        )
        sets = HIDDEN[given[0]]
        cpuinfo.write_text(without(told, sets))
        environment = os.environ | {
            "LD_PRELOAD": str(library),
            "HIDE_SETS": ",".join(sets),
            "HIDE_CPUINFO": str(cpuinfo),
        }
        return subprocess.run(given[1:], env=environment, check=False).returncode % 256


def without(cpuinfo: str, sets: tuple[str, ...]) -> str:
    """The text of /proc/cpuinfo without the flags that begin with or hold one of `sets`."""
    return re.sub(rf" \w*({'|'.join(sets)})\w*", "", cpuinfo)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
