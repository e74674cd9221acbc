"""torch.compile with freezing: Inductor's C++ kernels and oneDNN's, int8 ones among them.

Every batch size that is measured has kernels of its own. Kernels for any size are up to four
times slower at a batch of 1000 (convolutions lose their layout), so a number of images that
isn't measured is answered in batches of 1000, the last one filled up. As sizes are told apart
here, PyTorch's own guards, which cost time at every call, are left out, and nothing is ever
compiled again behind one's back.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.export import ExportedProgram

from quantbench.artifact import Artifact
from quantbench.contracts import Predict
from quantbench.exported import read_program
from quantbench.hush import hushed
from quantbench.runtimes._inductor import compiler, own_cache, why_no_compiler

ACCEPTS = frozenset({"pt2"})
LIBRARIES = ("torch",)
_AT_ONCE = (1, 1000)
_WHEN_ASKED = (8, 64, 256)
_MOST = 1000

Compiled = Callable[[Tensor], Tensor]


def unavailable() -> str | None:
    return why_no_compiler()


def load(artifact: Artifact, threads: int) -> Predict:
    """Compiled for one image and for 1000; for 8, 64 and 256 when they are first asked for."""
    torch.set_num_threads(threads)
    program = read_program(artifact.folder / "model.pt2")
    (shape,) = (node.meta["val"].shape[1:] for node in program.graph.nodes
                if node.name in program.graph_signature.user_inputs)  # fmt: skip
    ready = {size: _compiled(program, (size, *shape), threads) for size in _AT_ONCE}

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        images = torch.from_numpy(np.ascontiguousarray(inputs))
        size = len(images)
        if size in _WHEN_ASKED and size not in ready:
            ready[size] = _compiled(program, (size, *shape), threads)
        with torch.inference_mode():
            if size in ready:
                return cast(NDArray[np.float32], ready[size](images).numpy())
            parts = [_filled(ready[_MOST], part) for part in images.split(_MOST)]
            return cast(NDArray[np.float32], torch.cat(parts).numpy())

    return predict


def _filled(compiled: Compiled, images: Tensor) -> Tensor:
    missing = images.new_zeros(_MOST - len(images), *images.shape[1:])
    return compiled(torch.cat([images, missing]))[: len(images)]


def _compiled(program: ExportedProgram, shape: tuple[int, ...], threads: int) -> Compiled:
    """Of a module of its own: what is compiled without guards belongs to one batch size.

    Freezing is only heeded as a global setting: as an option of torch.compile it does nothing.
    One compiling process, this one, so none is left behind when it is killed.
    """
    config = torch._inductor.config
    module = program.module(check_guards=False)
    settings = {
        "freezing": True,
        "compile_threads": 1,
        "cpp.threads": threads,
        "cpp.cxx": (compiler(),),  # else it may fetch one with conda
    }
    with ExitStack() as stack:
        stack.enter_context(hushed())
        stack.enter_context(own_cache())
        stack.enter_context(config.patch(settings))
        stack.enter_context(torch.inference_mode())
        compiled = torch.compile(
            module,
            dynamic=False,
            fullgraph=True,
            options={"guard_filter_fn": torch.compiler.skip_all_guards_unsafe},
        )
        compiled(torch.zeros(shape))
    return cast(Compiled, compiled)
