"""`quantbench compare` as a check: its exit codes, its files and its settings."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from quantbench.c99.package import KIND, Costs
from quantbench.cli import app
from quantbench.results.records import Results
from quantbench.system.store import save
from tests.process import python
from tests.report.builder import results, row

FAILS, PASSES, OPEN = "bytes > 69kB", "bytes > 71kB", "latency > +3%"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    written("a.json", results(row("static", size=70_000, artifact_sha256="a" * 64)))
    written("b.json", results(row("static", size=70_000, artifact_sha256="b" * 64)))


def written(name: str, content: Results) -> None:
    Path(name).write_text(content.model_dump_json())


def call(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["quantbench", "compare", *arguments])
        with pytest.raises(SystemExit) as caught:
            app.main()
    assert isinstance(caught.value.code, int)
    said = capfd.readouterr()
    return caught.value.code, said.out, said.err


def fail_if(*rules: str) -> tuple[str, ...]:
    return ("a.json", "b.json", *(part for rule in rules for part in ("--fail-if", rule)))


@pytest.mark.parametrize(
    ("rules", "strict", "code"),
    [
        ((), False, 0),
        ((PASSES,), False, 0),
        ((PASSES, FAILS), False, 1),
        ((OPEN,), False, 0),
        ((OPEN,), True, 1),
        ((PASSES,), True, 0),
        (("latncy > +3%",), False, 2),
        (("latency > 3%",), False, 2),
        (("latency",), False, 2),
        ((FAILS, "latncy > +3%"), False, 2),
        ((), True, 2),
    ],
)
def test_the_exit_code_says_what_was_found(
    capfd: pytest.CaptureFixture[str], rules: tuple[str, ...], strict: bool, code: int
) -> None:
    found, out, err = call(capfd, *fail_if(*rules), *(("--strict",) if strict else ()))
    assert found == code
    assert len(err.splitlines()) == (code != 0)
    assert bool(out) == (code != 2)


def test_the_lines_fit_80_columns_and_say_what_to_do(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capfd, *fail_if(PASSES, FAILS, OPEN))
    assert code == 1
    assert max(map(len, out.splitlines())) <= 80
    assert out.splitlines()[-1].strip() == "3 checks: 1 pass, 1 fail, 1 not resolved"
    assert "pass          bytes[static on torch] > 71kB: A 70,000 bytes" in out
    assert "--pair A.json" in " ".join(out.split())
    assert err == "error: 1 of 3 checks not passed: bytes[static on torch] > 69kB (fail)\n"


def test_files_for_ci_are_written_even_where_a_rule_fails(
    capfd: pytest.CaptureFixture[str],
) -> None:
    files = ("--junit", "out/j.xml", "--markdown", "out/m.md")
    assert call(capfd, *fail_if(PASSES, FAILS), *files)[0] == 1
    cases = Xml.parse("out/j.xml").getroot().iter("testcase")  # noqa: S314
    assert [[child.tag for child in case] for case in cases] == [["system-out"], ["failure"]]
    assert "| **fail** |" in Path("out/m.md").read_text(encoding="utf-8")
    code, _, err = call(capfd, "a.json", "b.json", "--junit", "j.xml")
    assert (code, "name a rule" in err) == (2, True)


def test_rules_stand_in_a_settings_file(capfd: pytest.CaptureFixture[str]) -> None:
    Path("quantbench.toml").write_text(f'[compare]\nfail_if = ["{FAILS}", "{OPEN}"]\n')
    assert call(capfd, "a.json", "b.json")[0] == 1
    assert call(capfd, *fail_if(PASSES))[0] == 0
    Path("ci.toml").write_text(f'[compare]\nfail-if = "{OPEN}"\nstrict = true\n')
    assert call(capfd, "a.json", "b.json", "--config", "ci.toml")[0] == 1
    for text, part in (
        ("[compare]\nfail_iff = []", "unknown key 'compare.fail_iff' in quantbench.toml; did you"),
        ("[compare]\nfail_if = [3]", "'compare.fail_if' in quantbench.toml should be a list of"),
        ("[compare]\nstrict = 1", "'compare.strict' in quantbench.toml should be true or false"),
        ("compare = 3", "'compare' in quantbench.toml should be a table"),
    ):
        Path("quantbench.toml").write_text(text)
        code, _, err = call(capfd, "a.json", "b.json")
        assert (code, part in err) == (2, True), err


def compiled(name: str, flash: int) -> None:
    costs = Costs(target="portable", layers=(), input=9, output=9, scratch=99, flash=flash,
                  unbuilt=None)  # fmt: skip
    save(Path(name).absolute(), KIND, {}, lambda _: costs)


def test_two_compiled_networks_are_judged_by_flash(capfd: pytest.CaptureFixture[str]) -> None:
    compiled("c1", 60_000)
    compiled("c2", 66_000)
    code, out, _ = call(capfd, "c1", "c2")
    assert code == 0
    assert "flash, bytes" in out
    assert "+6,000" in out
    assert call(capfd, "c1", "c2", "--fail-if", "flash > 64kB")[0] == 1
    assert call(capfd, "c1", "c2", "--fail-if", "flash > 64.5KiB")[0] == 0
    code, _, err = call(capfd, "c1", "b.json", "--fail-if", "flash > 64kB")
    assert (code, err) == (1, "error: c1 is a folder; name the results.json in it\n")
    Path("c2/manifest.json").write_text("{}")
    assert call(capfd, "c1", "c2")[0] == 1


def test_neither_torch_nor_onnx_is_loaded_for_two_files(tmp_path: Path) -> None:
    code = (
        "import sys; from quantbench.cli.app import app; "
        "app(['compare', 'a.json', 'b.json', '--fail-if', 'bytes > 1MB'], standalone_mode=False); "
        "sys.exit(bool({'torch', 'onnx'} & sys.modules.keys()))"
    )
    done = python("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
