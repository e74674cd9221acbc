"""An errand: predictions that another machine makes, as plain data and how it is run there."""

from __future__ import annotations

import hashlib
import math
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact, load_artifact
from quantbench.contracts import Plugin
from quantbench.errors import QuantbenchError, StorageError, WorkerError, cause
from quantbench.harness.deadline import Deadline
from quantbench.harness.pool import Candidate
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request
from quantbench.system.machine import environment

Files = Mapping[str, bytes]
"""File name -> content."""

_FINGERPRINTING = threading.Lock()
"""Code is hashed in one thread at a time, and a worker of the cluster has several."""
_COMPARED = ("versions", "code", "instruction_sets")
"""The things that predictions depend on and another machine may have otherwise."""


@dataclass(frozen=True)
class Errand:
    """All that another machine needs to predict the samples, except their files."""

    name: str
    runtime: str
    threads: int
    timeout: float
    seconds: float
    """Seconds that are left of the budget: infinite without one."""
    artifact: Files
    artifact_sha256: str
    samples: dict[str, str]
    """File name -> SHA-256 (hexadecimal)."""
    load: str
    predict: str
    """Requests in JSON, whose folders are the other machine's to fill in."""
    depends_on: dict[str, JsonValue]


@dataclass(frozen=True)
class Answer:
    """The files of the outputs, or why there are none."""

    files: Files = field(default_factory=dict)
    error: str | None = None


def run_errand(errand: Errand, samples: Files) -> Answer:
    """Predict on this machine, which is one of the cluster, in a worker process of ours."""
    try:
        with tempfile.TemporaryDirectory(prefix="quantbench-") as scratch:
            return Answer(_predicted(errand, samples, Path(scratch)))
    except QuantbenchError as error:
        return Answer(error=str(error))
    except OSError as error:  # no room for temporary files
        return Answer(error=f"a worker of the cluster raised {cause(error)}")


def _predicted(errand: Errand, samples: Files, scratch: Path) -> Files:
    """The files of the outputs. Raises QuantbenchError, OSError."""
    for name, digest in errand.samples.items():
        if hashlib.sha256(samples[name]).hexdigest() != digest:
            raise WorkerError(f"{name} of the samples isn't what was sent: its SHA-256 differs")
    folders = {name: scratch / name for name in ("artifact", "samples", "outputs")}
    for folder in folders.values():
        folder.mkdir()
    write(errand.artifact, folders["artifact"])
    write(samples, folders["samples"])
    artifact = load_artifact(folders["artifact"])
    if artifact.sha256 != errand.artifact_sha256:
        raise WorkerError("the artifact isn't what was sent: its SHA-256 differs")
    if difference := _difference(errand, artifact):
        raise WorkerError(f"a worker of the cluster {difference}")
    requests = (
        Request(do="samples", samples=str(folders["samples"])),
        _in_folder(errand.load, artifact=str(folders["artifact"])),
        _in_folder(errand.predict, out=str(folders["outputs"])),
    )
    deadline = Deadline(None if math.isinf(errand.seconds) else errand.seconds)
    with Worker(errand.name, errand.threads, scratch) as worker:
        for request in requests:
            answer = worker.ask(request, errand.timeout, deadline)
            if "unwritten" in answer:
                raise StorageError(str(answer["unwritten"]))
    return content_of(folders["outputs"])


def _in_folder(request: str, **folder: str) -> Request:
    return Request.model_validate_json(request).model_copy(update=folder)


def _difference(errand: Errand, artifact: Artifact) -> str | None:
    """Say what this machine has otherwise than the one that sent an errand, or return None."""
    runtime = Plugin(
        errand.runtime, plugins.runtime(errand.runtime), plugins.source("runtimes", errand.runtime)
    )
    with _FINGERPRINTING:
        here = Candidate(artifact, runtime).inputs(environment())
    for name in _COMPARED:
        if here[name] != errand.depends_on[name]:
            what = name.replace("_", " ")
            return (
                f"has other {what} than this machine, and answers depend on them: "
                f"{_listed(here[name], errand.depends_on[name])}"
            )
    return None


def _listed(there: JsonValue, here: JsonValue) -> str:
    """The parts that differ, in short: "onnxruntime 1.30.0, not 1.32.0"."""
    match there, here:
        case dict(), dict():
            differ = sorted(k for k in there.keys() | here.keys() if there.get(k) != here.get(k))
            parts = [
                f"{k} {there.get(k) or 'missing'}, not {here.get(k) or 'missing'}" for k in differ
            ]
            return "; ".join(part if len(part) < 60 else part.split()[0] for part in parts[:3])
        case list(), list():
            return ", ".join(sorted({str(item) for item in there} ^ {str(item) for item in here}))
    return f"{there}, not {here}"


def content_of(folder: Path) -> Files:
    """The content of each file in a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def write(files: Files, folder: Path) -> None:
    """Write files into a folder. Raises WorkerError for a name that leads out of it."""
    for name, content in files.items():
        if Path(name).name != name:
            raise WorkerError(f"'{name}' is no plain file name")
        (folder / name).write_bytes(content)
