"""What Inductor needs around it: a C++ compiler, and a folder for what it compiled."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from quantbench.data._cache import root
from quantbench.environment import environment
from quantbench.errors import StorageError

_PROBE = "#include <Python.h>\n#include <omp.h>\nint probe() { return omp_get_max_threads(); }\n"
_SECONDS = 60


def compiler() -> str:
    """The one that Inductor would take."""
    return os.environ.get("CXX", "g++")


def why_no_compiler() -> str | None:
    """Compiles a few lines that need what Inductor's kernels need."""
    name = compiler()
    if shutil.which(name) is None:
        return f"needs a C++ compiler, and '{name}' is not found; install g++ or set CXX"
    headers = sysconfig.get_path("include")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.cpp"
        source.write_text(_PROBE, encoding="utf-8")
        command = [name, "-shared", "-fPIC", "-fopenmp", f"-I{headers}", str(source),
                   "-o", str(source.with_suffix(".so"))]  # fmt: skip
        try:
            tried = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"'{name}' can't be run ({error})"
    if tried.returncode:
        lines = tried.stderr.decode(errors="replace").splitlines()
        why = next((line for line in lines if "error" in line), "it gave no reason")
        return f"'{name}' can't compile with Python.h and OpenMP: {why}"
    return None


@contextlib.contextmanager
def own_cache() -> Iterator[None]:
    """Inductor keeps kernels in a folder for this user, compiler and kind of CPU.

    Kernels are built for the CPU at hand and would die on one that lacks an instruction set.
    """
    machine = environment(libraries=("torch",))
    key = repr((machine.cpu, machine.instruction_sets, machine.versions, compiler()))
    folder = root() / "inductor" / sha256(key.encode()).hexdigest()[:12]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"can't write the cache {folder} ({error.strerror}); set QUANTBENCH_CACHE to a "
            "folder that can be written"
        ) from error
    before = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TORCHINDUCTOR_CACHE_DIR"]
        else:
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = before
