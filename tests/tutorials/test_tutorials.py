"""The tutorials do what they say: their code, commands and notebook cells are run in order.

Their studies are measured briefly: `short_study` says how.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from dataclasses import dataclass
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest

import quantbench as qb
from quantbench.studies import pipeline
from tests.process import python
from tests.tutorials import short_study

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
PAGES = sorted(FOLDER.glob("*.md"))
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
BLOCK = re.compile(
    r"^```(python|sh)\n(.*?)^```\n(?:^```text( varies)?\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL
)
"""A block's language, its text, whether what is printed has times in it, and what is printed."""
MARK = "-- end of a block --\n"
SHORTLY = "from tests.tutorials import short_study\nshort_study.shorten()\n"


@dataclass(frozen=True)
class Block:
    """Code or commands of a page, and what they print; `varies` where that has times in it."""

    language: str
    text: str
    varies: bool
    printed: str

    @property
    def script(self) -> str:
        """The block as Python code."""
        if self.language == "python":
            return self.text
        return "".join(_called(line) for line in self.text.replace("\\\n", "").splitlines())


def _called(command: str) -> str:
    program, *arguments = shlex.split(command)
    assert program == "quantbench"
    return (
        "import subprocess, sys\n"
        f"command = [sys.executable, '-m', 'tests.tutorials.short_study', *{arguments}]\n"
        "subprocess.run(command, check=True)\n"
    )


def blocks(page: Path) -> list[Block]:
    groups = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [Block(language, text, bool(varies), out) for language, text, varies, out in groups]


def test_there_are_tutorials_of_both_kinds() -> None:
    assert len(PAGES) == 3
    assert len(NOTEBOOKS) == 1


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_prints_what_stands_below_its_code(page: Path, tmp_path: Path) -> None:
    steps = blocks(page)
    script = "".join(f"{step.script}print({MARK!r}, end='', flush=True)\n" for step in steps)
    (tmp_path / "page.py").write_text(SHORTLY + script, encoding="utf-8")
    done = python("page.py", cwd=tmp_path, COLUMNS="100")
    assert done.returncode == 0, done.stderr
    *printed, rest = done.stdout.split(MARK)
    assert (len(printed), rest) == (len(steps), "")
    for step, text in zip(steps, printed, strict=True):
        if step.varies:
            assert set() < _headings(step.printed) <= _headings(text)
        else:
            assert OutputChecker().check_output(step.printed, text, ELLIPSIS), text


def _headings(text: str) -> set[str]:
    """What a line begins with, up to its colon: the part that no time changes.

    Whether one answer holds for batches, too ("One sample at a time and batches of 1,000"), hangs
    on times.
    """
    lines = (line for line in text.splitlines() if re.match(r"\w[\w ,]*: ", line))
    return {line.partition(":")[0].partition(" and ")[0] for line in lines}


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_the_cells_of_a_notebook_run_in_order(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pipeline, "run", short_study.run)
    names: dict[str, object] = {}
    shown = [value for code in code_cells(notebook) if (value := _run(code, names)) is not None]
    study, rows = shown
    assert isinstance(study, qb.OwnStudy)
    html = study._repr_html_()
    assert html.startswith("<")
    assert "ort_static" in html
    assert "One sample at a time" in html
    assert isinstance(rows, list)
    assert rows == [(row["method"], row["runtime"], row["bytes"]) for row in study.to_dicts()]
    assert ("ort_static", "onnxruntime") in {row[:2] for row in rows}


def code_cells(notebook: Path) -> list[str]:
    content = json.loads(notebook.read_text(encoding="utf-8"))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in content["cells"]]
    assert len(ids) == len(set(ids))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    return ["".join(cell["source"]) for cell in code]


def _run(code: str, names: dict[str, object]) -> object:
    """Run a cell, and return the value of its last line as a notebook shows it."""
    tree = ast.parse(code)
    last = tree.body[-1]
    if not isinstance(last, ast.Expr) or code.rstrip().endswith(";"):
        exec(compile(tree, "cell", "exec"), names)  # noqa: S102 - our own page
        return None
    tree.body.pop()
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307
