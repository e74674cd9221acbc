"""Read an explanation.json, which is untrusted: its whole content is checked before it is used."""

from __future__ import annotations

from pathlib import Path

from quantbench.errors import ResultsError
from quantbench.explain.records import EXPLANATION_SCHEMA, Explanation
from quantbench.results.file import content_of, first_fault
from quantbench.system.files import sha256_of

NAME = "explanation.json"
_AGAIN = "`quantbench explain` writes it anew"


def read_explanation(path: Path) -> Explanation:
    """Read an explanation.json of this version.

    Raises ResultsError, which names the file, its fault and what to do.
    """
    content = content_of(path, _AGAIN)
    try:
        explanation = Explanation.model_validate_json(content)
    except ValueError as error:
        raise ResultsError(
            f"{path} is not what quantbench writes: {first_fault(error)}; {_AGAIN}"
        ) from error
    if explanation.schema_version != EXPLANATION_SCHEMA:
        raise ResultsError(
            f"{path} has schema {explanation.schema_version}, this version reads "
            f"{EXPLANATION_SCHEMA}; {_AGAIN}"
        )
    return explanation


def explanation_of(results: Path) -> Explanation | None:
    """The explanation beside a results.json; None where there is none, or one of other results.

    Raises ResultsError where it can't be read.
    """
    path = results.parent / NAME
    if not path.exists():
        return None
    explanation = read_explanation(path)
    return explanation if explanation.results_sha256 == sha256_of(results) else None
