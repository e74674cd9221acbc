"""Verify a delivered folder with a user's samples: bits first, then distances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.build.folder import build_folder
from quantbench.c99.frontend.reader import Network, read
from quantbench.c99.importer import import_network
from quantbench.c99.ir.graph import Graph, Tensor, ends
from quantbench.c99.ir.interpreter import dequantized, execute_all, quantized
from quantbench.c99.ir.probabilities import answers
from quantbench.c99.ir.sizes import all_in_parts
from quantbench.c99.package import KIND, Costs
from quantbench.c99.passes import layout
from quantbench.c99.target.target import Dtype
from quantbench.c99.verify.cpus import Cpu, chosen, isas_in
from quantbench.c99.verify.distance import Outputs, distance, steps_of
from quantbench.c99.verify.execution import Delivered, execution
from quantbench.c99.verify.records import Distance, Verification
from quantbench.c99.verify.references import Reference, float_reference, runtime_references
from quantbench.errors import ArtifactError, UsageError
from quantbench.numerics.fixed_point import Integers
from quantbench.samples.records import Samples
from quantbench.system.files import sha256_of
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.system.store import Stored, load

FLOAT = "float32"
_NO_FLOAT = (
    "float32: name the network before it was quantized with --float; the quantized file alone "
    "doesn't tell, because its weights are rounded and its activations may be clamped by rounding"
)
_BATCH = 128
SIMULATED = 64
"""Samples that a simulated machine runs, unless their number is asked for."""


@dataclass(frozen=True)
class Subject:
    """A folder of C and the ONNX file that it was compiled from, which were checked."""

    network: Network
    delivered: Delivered

    @property
    def graph(self) -> Graph:
        """The integer graph, without int8 tensors."""
        return self.delivered.plan.graph


def subject(folder: Path, model: Path) -> Subject:
    """The folder, once its files are those that `quantbench compile` wrote, of this very model.

    Raises ArtifactError for a folder that was changed, or isn't one, and for a damaged model;
    UsageError for the C of another model, or of a float32 one.
    """
    stored = _loaded(folder)
    digest, source = sha256_of(model) if model.is_file() else None, stored.inputs["model"]
    if digest is None:
        raise ArtifactError(f"{model} isn't there; name the ONNX file that was compiled: --model")
    if stored.body.dtype != Dtype.INT8:
        raise UsageError(
            f"{folder} holds {stored.body.dtype} C, whose sums may be rounded differently on each "
            "CPU: there are no bits to compare; main.c checks it within a proved bound"
        )
    if digest != source:
        raise UsageError(
            f"{folder} was compiled from another file than {model}: that has the SHA-256 "
            f"{str(source)[:12]}..., this {digest[:12]}..."
        )
    network = read(model)
    plan = layout.plan(import_network(network))
    layers = tuple(f"{layer.layer} {layer.name} ({layer.kind})" for layer in stored.body.layers)
    if len(layers) != len(plan.steps):
        layers = tuple(f"l{number}" for number in range(len(plan.steps)))
    name = str(stored.inputs["name"])
    return Subject(network, Delivered(folder, tuple(stored.files), name, plan, layers))


@dataclass(frozen=True)
class Computed:
    """The results of N samples that need no C compiler.

    `inputs`: uint8 [N, *shape], and `outputs` [N, *shape]: the integer graph's, an array for each
    input and output. `answers`: what the outputs stand for, in real numbers. `references`: the
    same, by the reference's name.
    """

    inputs: tuple[NDArray[np.uint8], ...]
    outputs: tuple[Integers, ...]
    answers: tuple[Outputs, ...]
    references: Mapping[str, tuple[Outputs, ...]]


def computed(
    subject: Subject, samples: Samples, references: Mapping[str, Reference], progress: Progress
) -> Computed:
    """Run the interpreter and the references over all samples, a batch at a time."""
    graph = subject.graph
    given = _ends(graph)[0]
    inputs, outputs = list[tuple[NDArray[Any], ...]](), list[tuple[NDArray[Any], ...]]()
    by_name: dict[str, list[tuple[Outputs, ...]]] = {name: [] for name in references}
    batches = -(-len(samples) // _BATCH)
    for batch in progress.each(samples.batches(_BATCH), "integer graph", batches):
        integers = tuple(quantized(*pair) for pair in zip(batch, given, strict=True))
        inputs.append(tuple(values.astype(np.uint8) for values in integers))
        outputs.append(all_in_parts(lambda parts: execute_all(graph, parts), integers, graph))
        for name, reference in references.items():
            by_name[name].append(reference(batch))
    whole = _joined(outputs)
    reals = _reals(graph, whole)
    shaped = {name: _joined(parts) for name, parts in by_name.items()}
    for name, theirs in shaped.items():
        sizes = [[values[0].size for values in each] for each in (theirs, reals)]
        if sizes[0] != sizes[1]:
            raise UsageError(
                f"{name} gives {sizes[0]} numbers of a sample, the integer graph {sizes[1]}: it is "
                "another network"
            )
    return Computed(
        inputs=_joined(inputs),
        outputs=whole,
        answers=reals,
        references={
            name: tuple(
                values.reshape(own.shape) for values, own in zip(theirs, reals, strict=True)
            )
            for name, theirs in shaped.items()
        },
    )


def _ends(graph: Graph) -> tuple[list[Tensor], list[Tensor]]:
    """The inputs and the outputs, as the ONNX network has them."""
    if not graph.several:
        input, output = ends(graph)
        return [input], [output]
    inputs, outputs = (
        [graph.tensors[name] for name in names] for names in (graph.inputs, graph.outputs)
    )
    return inputs, outputs


def _reals(graph: Graph, outputs: Sequence[Integers]) -> tuple[Outputs, ...]:
    tensors = _ends(graph)[1]
    reals = tuple(dequantized(*pair) for pair in zip(outputs, tensors, strict=True))
    return reals if graph.several else (answers(reals[0], graph),)


def _joined(parts: Sequence[tuple[NDArray[Any], ...]]) -> tuple[NDArray[Any], ...]:
    """Arrays [N, ...] of batches, one behind the other."""
    return tuple(np.concatenate(values) for values in zip(*parts, strict=True))


def verify(
    folder: Path,
    model: Path,
    read_samples: Callable[[Network], Samples],
    *,
    cpus: Sequence[str] = (),
    samples: int | None = None,
    float_model: Path | None = None,
    build: Path | None = None,
    progress: Progress = NO_PROGRESS,
) -> Verification:
    """Build and run a delivered folder for samples, and compare it with all that there is.

    `cpus`: names of cpus.py; () is this CPU. `samples`: take only the first so many, on every CPU;
    None: all, and SIMULATED of them on a simulated machine. `float_model`: the float32 network's
    ONNX file. `build`: where a compiler works; None: beside the folder.

    Raises what `subject`, `chosen`, `float_reference` and `read_samples` raise.
    """
    about = subject(folder, model)
    delivered = about.delivered
    chosen_cpus = chosen(cpus, isas_in(delivered.source, delivered.name), delivered.name)
    references = runtime_references(about.network)
    if float_model is not None:
        references[FLOAT] = float_reference(float_model, about.network)
    data = read_samples(about.network).part(0, samples)
    values = computed(about, data, references, progress)
    with build_folder(build, folder) as parent:
        executions = tuple(
            execution(delivered, cpu, *_share(values, cpu, samples), parent)
            for cpu in progress.each(chosen_cpus, "C", len(chosen_cpus), lambda cpu: cpu.name)
        )
    return Verification(
        folder=str(folder),
        model=str(model),
        model_sha256=sha256_of(model),
        data=data.name,
        data_sha256=data.sha256,
        samples=len(data),
        executions=executions,
        distances=tuple(_distances(about, values)),
        unmeasured=() if float_model else (_NO_FLOAT,),
    )


def _share(
    values: Computed, cpu: Cpu, samples: int | None
) -> tuple[list[Integers], list[Integers]]:
    """The inputs and outputs that one CPU is tried with."""
    count = SIMULATED if cpu.machine and samples is None else len(values.inputs[0])
    inputs = [each[:count].astype(np.int64) for each in values.inputs]
    return inputs, [each[:count] for each in values.outputs]


def _distances(subject: Subject, values: Computed) -> Iterator[Distance]:
    """The distance of each output from each reference's."""
    names = subject.network.outputs
    steps = steps_of(subject.graph)
    for reference, theirs in values.references.items():
        for name, ours, other, step in zip(names, values.answers, theirs, steps, strict=True):
            yield distance(
                f"{reference}: {name}" if len(names) > 1 else reference, ours, other, step
            )


def _loaded(folder: Path) -> Stored[Costs]:
    try:
        return load(folder, KIND, Costs)
    except ArtifactError as error:
        reason = str(error).partition(";")[0]
        raise ArtifactError(
            f"{folder} isn't as `quantbench compile` wrote it, so that nothing says what its bits "
            f"should be ({reason}); compile the network again"
        ) from error
