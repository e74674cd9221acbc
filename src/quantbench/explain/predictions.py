"""The answers of ONNX models, by ONNX Runtime in one worker process."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Self

import onnx

from quantbench.artifacts.artifact import KIND
from quantbench.artifacts.records import ArtifactBody
from quantbench.export.to_onnx import MODEL
from quantbench.harness.arrays import read_arrays
from quantbench.harness.pool import batch_size, write_samples
from quantbench.harness.process import Worker
from quantbench.harness.schedule import Schedule
from quantbench.harness.worker import OUTPUT, Request
from quantbench.numerics.coverage import Quantized
from quantbench.samples.records import Arrays, Samples
from quantbench.system.store import save
from quantbench.tasks.network import Network

RUNTIME = "onnxruntime"


class Predictions:
    """A worker that holds samples, and answers for one model after another.

    What it writes lies in a folder below `scratch` that goes when the context ends: copy what is
    needed longer.
    """

    def __init__(self, network: Network, scratch: Path) -> None:
        self._network = network
        self._parent = scratch
        self._timeout = Schedule().timeout
        self._number = 0

    def __enter__(self) -> Self:
        """Raises UnavailableError where the system lacks what workers need."""
        with contextlib.ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(dir=self._parent, ignore_cleanup_errors=True)
            self._scratch = Path(stack.enter_context(folder)).absolute()
            self._worker = stack.enter_context(Worker("explaining", 1, self._scratch))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def hold(self, samples: Samples) -> None:
        """Answer for these samples from now on."""
        folder = self._next("samples")
        write_samples(folder, samples)
        self._worker.ask(Request(do="samples", samples=str(folder)), self._timeout)
        self._batch = self._network.fixed_batch or batch_size(samples)

    def of(self, model: onnx.ModelProto | bytes) -> Arrays:
        """The outputs of a model for all samples, one array [N, ...] each, memory-mapped.

        Raises WorkerError where ONNX Runtime doesn't run it.
        """
        data = model if isinstance(model, bytes) else model.SerializeToString()

        def fill(folder: Path) -> ArtifactBody:
            (folder / MODEL).write_bytes(data)
            return _BODY

        artifact = save(self._next("model"), KIND, {"number": self._number}, fill)
        load = Request(
            do="load",
            artifact=str(artifact.folder),
            runtime=RUNTIME,
            outputs=self._network.outputs,
            batch=self._network.fixed_batch or 1,
        )
        self._worker.ask(load, self._timeout)
        outputs = self._next("outputs")
        outputs.mkdir()
        predict = Request(
            do="predict",
            batch=self._batch,
            pad=self._network.fixed_batch is not None,
            out=str(outputs),
        )
        self._worker.ask(predict, self._timeout)
        shutil.rmtree(artifact.folder)
        return read_arrays(outputs, OUTPUT)

    def _next(self, stem: str) -> Path:
        self._number += 1
        return self._scratch / f"{stem}-{self._number}"


_BODY = ArtifactBody(
    model="",
    data="",
    method="",
    format="onnx",
    settings={},
    network_sha256="",
    quantized=Quantized(layers=(), structure=""),
)
"""A worker loads artifacts, and reads of their description nothing but the format."""
