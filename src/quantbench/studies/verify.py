"""The C of a network, run for a user's own samples and compared bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from quantbench.c99.frontend.reader import Network
from quantbench.c99.verify.records import Verification
from quantbench.c99.verify.verify import verify as verify_folder
from quantbench.errors import CompileError, UsageError
from quantbench.samples.records import Samples
from quantbench.samples.source import ReadSpec, read
from quantbench.system.progress import NO_PROGRESS, Progress


@dataclass(frozen=True)
class _Input:
    """An input of the network, as samples have to fit it."""

    name: str
    shape: tuple[int, ...]
    dtype: str


def verify(
    folder: Path | str,
    model: Path | str,
    data: object,
    *,
    cpus: Sequence[str] = (),
    samples: int | None = None,
    float_model: Path | str | None = None,
    build: Path | None = None,
    progress: Progress = NO_PROGRESS,
) -> Verification:
    """Build the C in `folder`, run samples through it, and say how it differs from what.

    `folder` is what `compile` wrote, and `model` the ONNX file that it was written from. `data` is
    anything that samples are read from: a file .npz, .npy or .csv, a folder of images, arrays, a
    loader. `cpus`: "native" (this CPU; the default), "portable", names of instruction sets,
    simulated machines such as "cortex-m7", or "all". `samples`: only the first so many; by default
    all, and 64 on a simulated machine. `float_model`: the ONNX file of the network before it was
    quantized. `build` is where a compiler works; by default a temporary folder beside `folder`.

    Raises ArtifactError for a folder or file that was changed, UsageError for the C of another
    model and for a number of samples below 1, SamplesError for samples that don't fit the network,
    UnavailableError for a CPU that can't be had here.
    """
    if samples is not None and samples < 1:
        raise UsageError(f"--samples {samples}: write 1 or more")
    with TemporaryDirectory() as kept:

        def samples_of(network: Network) -> Samples:
            return read("data", data, _spec(network, Path(kept), progress))

        return verify_folder(
            Path(folder),
            Path(model),
            samples_of,
            cpus=cpus,
            samples=samples,
            float_model=None if float_model is None else Path(float_model),
            build=build,
            progress=progress,
        )


def _spec(network: Network, folder: Path, progress: Progress) -> ReadSpec:
    if network.unsupported:
        raise CompileError(network.unsupported)
    inputs = tuple(_Input(each.name, each.shape, each.type or "float32") for each in network.inputs)
    return ReadSpec(folder, inputs, log=progress.log)
