"""Read and write explanation.json, which is untrusted: all of it is checked before it is used."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from quantbench.errors import ResultsError
from quantbench.explain.records import EXPLANATION_SCHEMA, Explanation
from quantbench.results.file import content_of, first_fault
from quantbench.system.files import sha256_of, write_atomic

NAME = "explanation.json"
_MAKE_ANOTHER = "make one with `quantbench explain`"


def write_explanation(explanation: Explanation, out: Path) -> Path:
    """Write it into a study's folder, replaced whole. Raises StorageError."""
    path = out / NAME
    write_atomic(path, explanation.model_dump_json(indent=1).encode() + b"\n")
    return path


def read_explanation(path: Path) -> Explanation:
    """Read an explanation.json of this version.

    Raises ResultsError, which names the file, its fault and what to do.
    """
    content = content_of(path, _MAKE_ANOTHER)
    try:
        explanation = Explanation.model_validate_json(content)
    except ValidationError as error:
        raise ResultsError(f"{path} {_fault(content, error)}; {_MAKE_ANOTHER}") from error
    if explanation.schema_version != EXPLANATION_SCHEMA:
        raise ResultsError(f"{path} {_version(explanation.schema_version)}; {_MAKE_ANOTHER}")
    return explanation


def kept_explanation(results: Path) -> Explanation | None:
    """The explanation in the folder of a results.json; None without one, or where it is another's.

    Raises ResultsError for one that can't be read.
    """
    path = results.parent / NAME
    if not path.exists():
        return None
    explanation = read_explanation(path)
    return explanation if explanation.results_sha256 == sha256_of(results) else None


def _fault(content: bytes, error: ValidationError) -> str:
    """The fault of a file that doesn't fit: it may be of another version."""
    if any(problem["type"] == "json_invalid" for problem in error.errors()):
        return "is not JSON"
    fields = json.loads(content)
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if isinstance(version, int) and version != EXPLANATION_SCHEMA:
        return _version(version)
    return f"is not what quantbench writes: {first_fault(error)}"


def _version(version: int) -> str:
    return f"has schema {version}, this version reads {EXPLANATION_SCHEMA}"
