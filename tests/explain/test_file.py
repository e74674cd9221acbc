"""explanation.json is untrusted; what is written is read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantbench.errors import ResultsError
from quantbench.explain.file import kept_explanation, read_explanation, write_explanation
from quantbench.explain.judge import judge
from quantbench.system.files import sha256_of
from tests.explain.builder import error, explained, layer, layer_error, quantized, ran, split
from tests.report.builder import results

WHOLE = explained(
    ran=(ran(layer()),),
    times=(split(integer=1.0, call=3.0),),
    errors=(error(layer_error()),),
    notes=("a note",),
)
WHOLE = WHOLE.model_copy(update={"findings": judge(results(quantized()), WHOLE).findings})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert WHOLE.findings
    path = write_explanation(WHOLE, tmp_path)
    assert path.name == "explanation.json"
    assert read_explanation(path) == WHOLE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not what quantbench writes"),
        (b'{"schema_version": 2}', "has schema 2, this version reads 1"),
        (b'{"schema_version": 2, "results_sha256": ""}', "has schema 2, this version reads 1"),
        (b'{"schema_version": 1}', "results_sha256: Field required"),
        (b'{"results_sha256": "", "times": [3]}', "times.0"),
        (b'{"results_sha256": "", "notes": ["a"], "more": 1}', "more"),
    ],
)
def test_what_is_no_explanation_is_refused_by_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "explanation.json"
    path.write_bytes(content)
    with pytest.raises(ResultsError) as caught:
        read_explanation(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).endswith("make one with `quantbench explain`")
    with pytest.raises(ResultsError, match="is not there"):
        read_explanation(tmp_path / "none.json")


def test_that_of_other_results_is_none(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(b"{}")
    assert kept_explanation(path) is None
    write_explanation(WHOLE, tmp_path)
    assert kept_explanation(path) is None
    own = WHOLE.model_copy(update={"results_sha256": sha256_of(path)})
    write_explanation(own, tmp_path)
    assert kept_explanation(path) == own
