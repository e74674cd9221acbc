from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.errors import ResultsError
from quantbench.results.file import read_results
from quantbench.results.records import Results
from tests.report.builder import results


def written(folder: Path, change: Callable[[Any], object] = lambda _: None) -> Path:
    content = json.loads(results().model_dump_json())
    change(content)
    path = folder / "results.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(ResultsError) as caught:
        read_results(path)
    message = str(caught.value)
    assert message.startswith(f"{path} ")
    assert "; " in message  # what to do about it
    assert message.isprintable()
    assert len(message) < len(str(path)) + 400
    assert caught.value.exit_code == 1
    return message


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert read_results(written(tmp_path)) == results()


def test_a_file_without_a_load_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, lambda content: content["environment"].pop("load"))
    assert read_results(path).environment.load is None


def test_what_is_not_a_plain_file_is_refused(tmp_path: Path) -> None:
    assert "is not there" in refused(tmp_path / "none.json")
    assert "is a folder" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe")  # whoever reads it waits for ever
    assert "plain file" in refused(tmp_path / "pipe")
    assert "can't be read" in refused(tmp_path / ("a" * 300))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path)
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    assert "more than 200 MB" in refused(path)


CONTENTS = {
    "nothing": (b"", "not JSON"),
    "text": (b"hello", "not JSON"),
    "cut": (b'{"schema_version": 1, "rows": [', "not JSON"),
    "not UTF-8": (b'{"schema_version": 1, "model": "\xff"}', "not JSON"),
    "deep": (b"[" * 100_000, "not JSON"),
    "a list": (b"[]", "no schema_version"),
    "another's": (b'{"epochs": 3}', "no schema_version"),
    "no number": (b'{"schema_version": "one"}', "no schema_version"),
    "the next version": (b'{"schema_version": 6}', "has schema 6, this version reads 1 to 5"),
    "an old version": (b'{"schema_version": 0}', "has schema 0, this version reads 1 to 5"),
    "nothing else": (b'{"schema_version": 5}', "quantbench: Field required"),
    "nothing else of version 4": (b'{"schema_version": 4}', "quantbench: Field required"),
    "nothing else of version 3": (b'{"schema_version": 3}', "quantbench: Field required"),
    "nothing else of version 2": (b'{"schema_version": 2}', "quantbench: Field required"),
    "nothing else of version 1": (b'{"schema_version": 1}', "quantbench: Field required"),
    "rows of version 1": (b'{"schema_version": 1, "rows": [3, {}]}', "quantbench: Field required"),
}


@pytest.mark.parametrize("what", CONTENTS)
def test_what_is_no_results_is_refused(tmp_path: Path, what: str) -> None:
    content, why = CONTENTS[what]
    path = tmp_path / "results.json"
    path.write_bytes(content)
    assert why in refused(path)


EDITS: dict[str, tuple[Callable[[Any], object], str]] = {
    "a word for a number": (lambda f: f["rows"][0].update(bytes="many"), "rows.0.bytes"),
    "no number": (lambda f: f["rows"][1]["score"].update(value=float("nan")), "rows.1.score"),
    "a time of nothing": (lambda f: f["rows"][0]["latency"][0].update(median=0), "median"),
    "no blocks": (lambda f: f["rows"][0]["latency"][0].update(blocks=[]), "blocks"),
    "no slices": (lambda f: f["rows"][0]["latency"][0].update(blocks=[[]]), "blocks.0"),
    "one field more": (lambda f: f.update({"\x1b[31m": 1}), "?[31m: Extra inputs"),
    "a row twice": (lambda f: f["rows"].append(f["rows"][0]), "two rows of float32 on torch"),
}


@pytest.mark.parametrize("what", EDITS)
def test_what_was_edited_is_named(tmp_path: Path, what: str) -> None:
    change, where = EDITS[what]
    assert where in refused(written(tmp_path, change))


@given(cut=st.integers(0, 5000), put=st.binary(max_size=3))
def test_no_damage_is_a_fault_of_ours(
    tmp_path_factory: pytest.TempPathFactory, cut: int, put: bytes
) -> None:
    path = written(tmp_path_factory.mktemp("damaged"))
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] + put + whole[cut + len(put) :])
    try:
        assert isinstance(read_results(path), Results)
    except ResultsError:
        refused(path)
