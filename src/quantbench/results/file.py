"""Read a results.json, which is untrusted: its whole content is checked before it is used."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from quantbench.errors import ResultsError
from quantbench.results.records import RESULTS_SCHEMA, Results
from quantbench.results.upgrade import OLDEST, upgraded
from quantbench.system.files import read_plain
from quantbench.system.terminal import harmless

_LIMIT = 200_000_000


class _Versioned(BaseModel):
    """The fields that a results.json of every version has."""

    schema_version: int


def read_results(path: Path) -> Results:
    """Read a results.json of this version.

    Raises ResultsError, which names the file, its fault and what to do.
    """
    content = content_of(path, _NAME_ANOTHER)
    try:
        version = _Versioned.model_validate_json(content).schema_version
    except ValidationError as error:
        if any(problem["type"] == "json_invalid" for problem in error.errors()):
            raise ResultsError(f"{path} is not JSON; {_NAME_ANOTHER}") from error
        raise ResultsError(f"{path} has no schema_version; {_NAME_ANOTHER}") from error
    if not OLDEST <= version <= RESULTS_SCHEMA:
        raise ResultsError(
            f"{path} has schema {version}, this version reads {OLDEST} to {RESULTS_SCHEMA}; "
            "measure it anew, or use the version of quantbench that wrote it"
        )
    try:
        results = Results.model_validate_json(_upgraded(content, version))
    except ValueError as error:
        raise ResultsError(
            f"{path} is not what quantbench writes: {first_fault(error)}; {_NAME_ANOTHER}"
        ) from error
    counts = Counter((row.method, row.runtime) for row in results.rows)
    if duplicates := [name for name, count in counts.items() if count > 1]:
        method, runtime = map(harmless, duplicates[0])
        raise ResultsError(f"{path} has two rows of {method} on {runtime}; {_NAME_ANOTHER}")
    return results


def _upgraded(content: bytes, version: int) -> bytes:
    """The content as one of this schema. Raises ValueError for what that version didn't write."""
    if version == RESULTS_SCHEMA:
        return content
    return json.dumps(upgraded(from_json(content), version)).encode()


_NAME_ANOTHER = "name a results.json that `quantbench run` wrote"


def content_of(path: Path, name_another: str) -> bytes:
    """The bytes of a file of records, of at most 200 MB; `name_another` says what to do instead.

    Raises ResultsError.
    """
    try:
        if path.is_dir():
            raise ResultsError(f"{path} is a folder; name the results.json in it")
        if not path.exists():
            raise ResultsError(f"{path} is not there; {name_another}")
        content = read_plain(path, _LIMIT + 1)
    except OSError as error:
        raise ResultsError(
            f"{path} can't be read: {error.strerror}; check its name and its permissions"
        ) from error
    if len(content) > _LIMIT:
        raise ResultsError(f"{path} has more than {_LIMIT // 10**6} MB; {name_another}")
    return content


def first_fault(error: ValueError) -> str:
    """The first thing that is wrong, in a line."""
    if not isinstance(error, ValidationError):
        return harmless(str(error))[:200]
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return harmless(f"{place}: {problem['msg']}")[:200]
