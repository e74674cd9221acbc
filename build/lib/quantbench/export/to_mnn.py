"""MNN models, which MNN's converter makes from ONNX.

MNN's own command lines install a package and report the machine's identity. Here its native
converter is called by itself, in a process of its own, which also bounds its time.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from quantbench.errors import UnavailableError
from quantbench.export.to_onnx import export, given
from quantbench.system.extras import why_missing
from quantbench.tasks.network import Network

MODEL = "model.mnn"
_SECONDS = 600
"""The time that the converter may take."""
_HEAD = 4096
"""Bytes at the front of a model, where its UUID stands; weights are behind."""
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONVERT = "import sys, _tools; _tools.mnnconvert(sys.argv)"


def convert(network: Network, path: Path) -> None:
    """Write the float network to `path`. Raises UnavailableError for one that MNN can't take."""
    if reason := why_missing("MNN"):
        raise UnavailableError(reason)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        source = Path(scratch) / "model.onnx"
        if network.onnx is not None:
            source.write_bytes(given(network.onnx, network.fixed_batch))
        else:
            export(network.module(), network, source)
        command = [
            sys.executable, "-c", _CONVERT, "-f", "ONNX", "--modelFile", str(source),
            "--MNNModel", str(Path(scratch) / MODEL), "--bizCode", "quantbench",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, cwd=scratch, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"MNN's converter took more than {_SECONDS} s") from error
        written = Path(scratch) / MODEL
        if done.returncode or not written.is_file():
            raise UnavailableError(f"MNN can't convert the network: {_why(done)}")
        path.write_bytes(_with_lasting_uuid(written.read_bytes(), source.read_bytes()))


def _with_lasting_uuid(model: bytes, source: bytes) -> bytes:
    """The model with a UUID of its source in place of a random one: the same bytes each time."""
    lasting = str(uuid.UUID(hashlib.sha256(source).hexdigest()[:32])).encode()
    head, rest = model[:_HEAD], model[_HEAD:]
    return _UUID.sub(lasting, head, count=1) + rest


def _why(done: subprocess.CompletedProcess[str]) -> str:
    """The line that names the reason, else the last one."""
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "not support" in line.lower()]
    return (telling or lines or ["it said nothing"])[-1][:300]
