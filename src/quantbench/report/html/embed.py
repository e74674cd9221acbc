"""The network to ship as a page runs it: its C as WebAssembly, and what its ends mean.

It is embedded where a page can prepare what its reader gives it: a drawing for a data set in
MNIST's form whose classes are digits, a picture where the study's samples came as image files.
"""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np

from quantbench import plugins
from quantbench.artifacts.artifact import load_artifact
from quantbench.c99.build.wasm import wasm
from quantbench.c99.compile import compiled
from quantbench.c99.emit.library import Emitted
from quantbench.c99.golden import golden_integers
from quantbench.c99.ir.graph import ends
from quantbench.c99.target.target import Dtype, Target
from quantbench.data.idx.load import PAD
from quantbench.data.idx.spec import DataSpec
from quantbench.errors import (
    ArtifactError,
    CompileError,
    StorageError,
    UnavailableError,
    UnknownNameError,
)
from quantbench.report.html.parts import Embedded
from quantbench.report.html.preparation import Preparation, of_pictures
from quantbench.results.records import Results, Row
from quantbench.tasks.digit import SIDE

_DIGITS = tuple("0123456789")
_LARGEST = 1_500_000
"""Bytes of a module beyond which its page, of 2 MB then, would be too large to pass around."""
_UNKNOWN = (
    "how a picture becomes its input isn't known, as its samples came as arrays; "
    "from a folder of images it is"
)


def embedded_of(results: Results, out: Path) -> Embedded | str:
    """The network of the row to ship, whose artifact lies below `out`, or why it isn't embedded.

    The reason is empty for a task that isn't of images.
    """
    if results.sample != "image":
        return ""
    spec = digits_of(results)
    if spec is None and results.preparation is None:
        return _UNKNOWN
    row = _shipped(results)
    if row is None:
        return "float32 is kept, and only a network of integers is put into a page"
    if row.format != "onnx":
        return f"{row.name} is no ONNX file, from which its C is written"
    if row.bytes > _LARGEST:
        return _too_large(row.bytes)
    try:
        artifact = load_artifact(out / row.artifact)
        emitted = compiled(artifact.folder / "model.onnx", Target.PORTABLE, Dtype.INT8)
        module = wasm(emitted.files)
    except (ArtifactError, CompileError, StorageError, UnavailableError) as error:
        return str(error)
    if len(module) > _LARGEST:
        return _too_large(len(module))
    prepared = _pictures(results, emitted) if spec is None else _digits(spec, emitted)
    if isinstance(prepared, str):
        return f"{row.name} {prepared}"
    description = _described(emitted) | prepared.description
    return Embedded(row.name, _base64(module), description, prepared.words)


def _digits(spec: DataSpec, emitted: Emitted) -> Preparation | str:
    side = SIDE + 2 * PAD
    if emitted.plan.graph.several or emitted.plan.input.shape != (1, side, side):
        return f"doesn't take images of {side}x{side}"
    classes = [*spec.classes]
    return Preparation({"classes": classes, "pad": PAD, "mean": spec.mean, "std": spec.std})


def _pictures(results: Results, emitted: Emitted) -> Preparation | str:
    output = emitted.plan.output
    several = emitted.plan.graph.several
    if results.preparation is None or len(output.shape) != 1 or several:
        return "gives no class of a whole image"
    names = results.classes
    known = names if len(names) == output.size else tuple(map(str, range(output.size)))
    return of_pictures(results.preparation, emitted.plan.input.shape, known)


def _too_large(size: int) -> str:
    return f"its {size:,} bytes are more than the {_LARGEST:,} that a page holds"


def digits_of(results: Results) -> DataSpec | None:
    """The description of a study's data set, in MNIST's form with digits as classes, or None."""
    if results.sample != "image":
        return None
    try:
        data = plugins.data(results.data)
    except (UnknownNameError, UnavailableError):
        return None
    spec = vars(data).get("SPEC")
    return spec if isinstance(spec, DataSpec) and spec.classes == _DIGITS else None


def _shipped(results: Results) -> Row | None:
    names = [answer.ship.row for answer in results.answers if answer.ship is not None]
    return next((row for row in results.rows if row.name in names[:1]), None)


def _described(emitted: Emitted) -> dict[str, object]:
    """The facts that the page's script needs of the network, its ends and its golden vectors."""
    plan = emitted.plan
    input_, output = ends(plan.graph)
    inputs, outputs = golden_integers(plan)
    return {
        "input": {
            "size": plan.input.size,
            "scale": float(input_.scale[0]),
            "zero": int(input_.zero_point),
        },
        "output": {
            "size": plan.output.size,
            "type": plan.output.type,
            "scales": [float(scale) for scale in output.scale],
            "zero": int(output.zero_point),
        },
        "golden": {
            "inputs": _base64(np.asarray(inputs, np.uint8).tobytes()),
            "outputs": np.asarray(outputs, np.int64).tolist(),
        },
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
