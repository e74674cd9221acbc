"""A command that runs as if the CPU lacked instruction sets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.older_cpu.__main__ import without

SHOWN = """
import json, subprocess, threading
import numpy as np
import torch
from quantbench.system.machine import environment

def defined():
    command = ["gcc", "-march=native", "-dM", "-E", "-x", "c", "/dev/null"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout

found = []
thread = threading.Thread(target=lambda: found.append(defined()))
thread.start()
thread.join()
print(json.dumps({
    "torch": torch.backends.cpu.get_cpu_capability(),
    "sets": environment().instruction_sets,
    "gcc": found[0],
    "numpy": {name: np._core._multiarray_umath.__cpu_features__[name]
              for name in ("AVX2", "AVX512F")},
}))
"""
HAS = set(Path("/proc/cpuinfo").read_text().split()) if Path("/proc/cpuinfo").is_file() else set()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.older_cpu", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_flags_are_taken_out_whole() -> None:
    flags = "flags\t: fpu avx2 avx512f avx512_vnni avx_vnni amx_int8 amx_tile movbe\n"
    assert without(flags, ("amx",)) == ("flags\t: fpu avx2 avx512f avx512_vnni avx_vnni movbe\n")
    assert without(flags, ("amx", "vnni", "avx512")) == "flags\t: fpu avx2 movbe\n"


@pytest.mark.parametrize("arguments", [(), ("avx2",), ("avx1", "true")])
def test_wrong_arguments_are_named(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr == "usage: python -m benchmarks.older_cpu {vnni,avx2} COMMAND ...\n"


@pytest.mark.skipif("cpuid_fault" not in HAS, reason="this CPU or kernel can't make CPUID fault")
@pytest.mark.skipif("avx512f" not in HAS, reason="this CPU has no AVX-512 to hide")
def test_libraries_and_compilers_see_an_older_cpu() -> None:
    done = run("avx2", sys.executable, "-c", SHOWN)
    assert not done.stderr
    shown = json.loads(done.stdout)
    assert shown["torch"] == "AVX2"
    assert shown["numpy"] == {"AVX2": True, "AVX512F": False}
    assert "avx2" in shown["sets"]
    assert not [name for name in shown["sets"] if "512" in name or "vnni" in name]
    assert "__AVX2__" in shown["gcc"]
    assert "__AVX512F__" not in shown["gcc"]
    assert "__AVXVNNI__" not in shown["gcc"]


@pytest.mark.skipif("cpuid_fault" not in HAS, reason="this CPU or kernel can't make CPUID fault")
def test_the_commands_exit_code_and_a_crash_come_through() -> None:
    assert run("vnni", "false").returncode == 1
    crash = "import ctypes; ctypes.string_at(0)"
    assert run("vnni", sys.executable, "-c", crash).returncode == -11 % 256
