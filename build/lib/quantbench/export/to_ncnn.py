"""ncnn models (a text of layers and a file of weights), which pnnx makes from a traced module."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import torch

from quantbench.errors import UnavailableError
from quantbench.export.example import example
from quantbench.export.refusal import refusing
from quantbench.export.to_program import exported
from quantbench.system.extras import why_missing
from quantbench.system.silence import silenced, silenced_natively
from quantbench.tasks.network import Network

PARAM, WEIGHTS = "model.ncnn.param", "model.ncnn.bin"
SHAPES = "outputs.json"
"""The shape of each output for one sample: pnnx keeps the batch's axis behind some layers."""
_SECONDS = 600
"""The time that pnnx may take."""


def convert(network: Network, folder: Path) -> None:
    """Write the float network into `folder`, for one sample at a time: ncnn knows no batch.

    Raises UnavailableError for a network that pnnx or ncnn can't take.
    """
    if reason := why_missing("ncnn") or why_missing("pnnx"):
        raise UnavailableError(reason)
    module = network.module()
    if network.fixed_batch not in (None, 1):
        raise UnavailableError(
            f"ncnn takes one sample at a time, and network '{network.name}' takes "
            f"{network.fixed_batch}"
        )
    if any(spec.dtype != "float32" for spec in (*network.inputs, *network.outputs)):
        raise UnavailableError(f"ncnn takes float32 alone, not what '{network.name}' takes")
    exported(module, network)  # a trace would keep one branch of code that asks for values
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        source = Path(scratch) / "model.pt"
        arguments = tuple(tensor[:1] for tensor in example(network))
        with silenced(), refusing("the network can't be traced for ncnn"), torch.no_grad():
            torch.jit.trace(module, arguments).save(str(source))
        _run_pnnx(source, [list(tensor.shape) for tensor in arguments])
        for name in (PARAM, WEIGHTS):
            written = Path(scratch) / name
            if not written.is_file():
                raise UnavailableError("pnnx wrote no ncnn model: it can't convert the network")
            written.replace(folder / name)
    (folder / SHAPES).write_text(json.dumps([spec.shape for spec in network.outputs]))
    _require_known_layers(folder)


def _run_pnnx(source: Path, shapes: list[list[int]]) -> None:
    """Run pnnx beside `source`. Raises UnavailableError with its last line where it fails."""
    import pnnx

    stated = ",".join(f"[{','.join(map(str, shape))}]f32" for shape in shapes)
    command = [pnnx.EXEC_PATH, source.name, f"inputshape={stated}", "fp16=0"]
    try:
        done = subprocess.run(
            command,
            cwd=source.parent,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"pnnx can't be run: {error}") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise UnavailableError(f"pnnx can't convert the network: {said[:300]}")


def _require_known_layers(folder: Path) -> None:
    """Raise UnavailableError for a model with an operator that pnnx left as PyTorch's own."""
    import ncnn

    with silenced_natively():
        network = ncnn.Net()
        failed = network.load_param(str(folder / PARAM)) or network.load_model(
            str(folder / WEIGHTS)
        )
    if failed:
        kinds = [line.split()[0] for line in (folder / PARAM).read_text().splitlines()[2:] if line]
        foreign = dict.fromkeys(kind for kind in kinds if "." in kind or "::" in kind)
        named = f": {', '.join(foreign)}" if foreign else ""
        raise UnavailableError(f"ncnn doesn't know a layer of the network{named}"[:300])
