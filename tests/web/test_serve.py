"""What is served, and what the command refuses."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from quantbench.errors import QuantbenchError, ResultsError, UnknownNameError, UsageError
from quantbench.results.records import Results
from quantbench.runtimes.null import Null, save_null
from quantbench.web.serve import serve, served_rows
from tests.report.builder import results, row


def saved(folder: Path, study: Results) -> Path:
    (folder / "results.json").write_text(study.model_dump_json(), encoding="utf-8")
    return folder


def test_float32_comes_first_then_the_rows_that_are_named(tmp_path: Path) -> None:
    study = results()
    named = served_rows(study, tmp_path, ["dynamic on torch", "static_uncalibrated on torch"])
    assert [each.name for each in named] == [
        study.answers[0].float32, "dynamic on torch", "static_uncalibrated on torch",
    ]  # fmt: skip
    artifacts = {each.name: each.artifact for each in study.rows}
    assert all(each.artifact == tmp_path / artifacts[each.name] for each in named)
    unasked = served_rows(study, tmp_path)
    assert unasked[0].name == study.answers[0].float32
    assert 1 < len({each.name for each in unasked}) == len(unasked)
    with pytest.raises(UnknownNameError, match=r"unknown row 'dynamic' in results\.json"):
        served_rows(study, tmp_path, ["dynamic"])


@pytest.mark.parametrize(
    ("data", "sample"), [("cifar10", "image"), ("fashion_mnist", "image"), ("mine", "sample")]
)
def test_only_studies_of_digits_are_served(tmp_path: Path, data: str, sample: str) -> None:
    out = saved(tmp_path, results(data=data, sample=sample))
    with pytest.raises(UsageError, match=f"is of {data}; only a study of digits"):
        serve(out)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"host": "a.example"}, UsageError, "--host 'a.example': give an address"),
        ({"port": 70_000}, UsageError, "--port 70000"),
        ({"rows": ["none"]}, UnknownNameError, "unknown row 'none'"),
        ({"host": "203.0.113.1"}, QuantbenchError, "port 0 of 203.0.113.1 can't be had"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, arguments: dict[str, object], error: type[Exception], words: str
) -> None:
    out = saved(tmp_path, results())
    with pytest.raises(error, match=words):
        serve(out, **arguments)  # type: ignore[arg-type]


def test_without_results(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="is not there"):
        serve(tmp_path)


def test_an_interrupt_ends_it_and_its_workers(tmp_path: Path) -> None:
    artifact = save_null(tmp_path, "float32", Null())
    null = row(runtime="null").model_copy(update={"artifact": artifact.folder.name})
    out = saved(tmp_path, results(null))
    command = [sys.executable, "-m", "quantbench", "serve", "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "starting 1 rows: float32 on null\n"
        url = process.stderr.readline().split()[0]
        with urllib.request.urlopen(url, timeout=20) as reply:  # noqa: S310
            assert b"float32 on null" in reply.read()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 1
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "stopped serving\n"
        assert process.wait(20) == 130
    end = time.monotonic() + 10
    while Path(f"/proc/{children[0]}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{children[0]}").exists()
