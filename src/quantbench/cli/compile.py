"""The command `quantbench compile`, in a module that doesn't load PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from quantbench.artifacts.artifact import Artifact, load_artifact
from quantbench.c99.target.target import Dtype, Optimize, Target
from quantbench.errors import ArtifactError, ResultsError, UsageError
from quantbench.report.terminal.compiled import cost_table, memory
from quantbench.results.file import read_results
from quantbench.studies.compile import compile
from quantbench.system.terminal import Terminal

_MODEL = "model.onnx"
_FORMAT = "onnx"


@dataclass(frozen=True)
class Source:
    """The ONNX file to compile, and the folder to write."""

    model: Path
    out: Path


def source(model: str, study: Path | None, out: Path | None) -> Source:
    """The file to compile and the folder to write, from the command's own arguments.

    `model` is a method's name where `study` is given. Raises UsageError or ArtifactError.
    """
    if not model:
        raise UsageError(
            "name what to compile: quantbench compile MODEL.onnx -o FOLDER, or, of what a method "
            "wrote in a study, quantbench compile --from results METHOD -o FOLDER"
        )
    if out is None:
        raise UsageError("name a new or empty folder to write: -o FOLDER")
    return Source(Path(model) if study is None else artifact_of(study, model), out)


def artifact_of(study: Path, method: str) -> Path:
    """The ONNX file that `method` wrote into a folder of results.

    The one that its results.json names, else the only one. Raises UsageError where there is
    none or are several, ArtifactError where it isn't as it was saved.
    """
    folders = _named_in_results(study, method) or _stored(study).get(method, [])
    if len(folders) > 1:
        raise UsageError(
            f"{study} holds {len(folders)} networks that '{method}' wrote; name the one to "
            f"compile: {', '.join(str(folder / _MODEL) for folder in folders)}"
        )
    if not folders:
        raise UsageError(f"{study} holds no ONNX file of '{method}'; {_there(study)}")
    artifact: Artifact = load_artifact(folders[0])
    if artifact.body.method != method or _MODEL not in artifact.files:
        raise ArtifactError(f"{folders[0]} holds no {_MODEL} of '{method}'")
    return folders[0] / _MODEL


def compile_(
    source: Source,
    target: Target | str = Target.PORTABLE,
    dtype: Dtype | str = Dtype.INT8,
    *,
    name: str = "model",
    isa: str = "",
    integer_only: bool = False,
    optimize: Optimize | str = Optimize.SIZE,
    build: Path | None = None,
) -> None:
    """Compile the network, write its folder, and print the costs of each layer and the memory.

    `isa`: names of instruction sets, separated by commas; empty: all that there are.
    `integer_only`: nothing is rounded in float32.
    """
    chosen = tuple(part for part in isa.split(",") if part.strip())
    compiled = compile(
        source.model,
        source.out,
        name=name,
        isa=chosen,
        integer_only=integer_only,
        target=target,
        dtype=dtype,
        optimize=optimize,
        build=build,
    )
    terminal = Terminal()
    terminal.print(cost_table(compiled.body))
    for line in memory(compiled.body):
        terminal.say(line)
    terminal.say(f"compiled from {source.model}")
    terminal.say(f"written to {source.out}: {', '.join(sorted(compiled.files))}")


def _named_in_results(study: Path, method: str) -> list[Path]:
    """The existing folders of `method`'s ONNX files that the study's last results.json names."""
    try:
        rows = read_results(study / "results.json").rows
    except ResultsError:  # a study that was stopped has none yet
        return []
    named = {row.artifact for row in rows if (row.method, row.format) == (method, _FORMAT)}
    inside = {study / "artifacts" / Path(artifact).name for artifact in named}
    return sorted(folder for folder in inside if folder.is_dir())


def _stored(study: Path) -> dict[str, list[Path]]:
    """Method -> the folders of its ONNX files, by the folders' names."""
    found: dict[str, list[Path]] = {}
    for path in sorted((study / "artifacts").glob(f"[!.]*-{_FORMAT}-*")):
        found.setdefault(path.name.rpartition(f"-{_FORMAT}-")[0], []).append(path)
    return found


def _there(study: Path) -> str:
    if methods := list(_stored(study)):
        return f"it holds one of {', '.join(methods)}"
    return "`quantbench quantize ort_static` writes one"
