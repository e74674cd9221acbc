"""The C++ compiler that Inductor uses, and the reason why it can't. Imports no library."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_PROBE = "#include <omp.h>\nint probe() { return omp_get_max_threads(); }\n"
_PROBE_SECONDS = 60


def compiler() -> str:
    """The command of the C++ compiler that Inductor would use."""
    return os.environ.get("CXX", "g++")


def unavailable() -> str | None:
    """The reason why the compiler can't build a few lines with OpenMP, or None."""
    name = compiler()
    if shutil.which(name) is None:
        return f"needs a C++ compiler, and '{name}' is not found; install g++ or set CXX"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.cpp"
        source.write_text(_PROBE, encoding="utf-8")
        command = [name, "-shared", "-fPIC", "-fopenmp", str(source),
                   "-o", str(source.with_suffix(".so"))]  # fmt: skip
        try:
            tried = subprocess.run(
                command, capture_output=True, timeout=_PROBE_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"'{name}' can't be run ({error})"
    if tried.returncode:
        lines = tried.stderr.decode(errors="replace").splitlines()
        why = next((line for line in lines if "error" in line), "it gave no reason")
        return f"'{name}' can't compile a few lines with OpenMP: {why}"
    return None
