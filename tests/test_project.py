"""The files around the code agree with each other."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_dependency_groups_are_the_extras() -> None:
    assert PROJECT["dependency-groups"] == PROJECT["project"]["optional-dependencies"]


def test_the_extras_are_what_make_installs() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    installed = set(re.findall(r"\$\(PIP\) -e '\.\[(\w+)\]'", text))
    assert installed == PROJECT["project"]["optional-dependencies"].keys()


def test_make_alone_lists_every_command() -> None:
    # Under a make of its own this one would take that one's options and name its folder.
    outer = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    done = subprocess.run(
        ["make"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in outer},
        capture_output=True,
        text=True,
        check=True,
    )
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert phony is not None
    listed = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert sorted(listed) == sorted(phony[1].split())


def test_the_versions_of_python_are_those_that_are_checked() -> None:
    classified = {
        name.rpartition(" ")[2]
        for name in PROJECT["project"]["classifiers"]
        if re.search(r"Python :: 3\.\d+$", name)
    }
    workflow = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["pythons"]["strategy"]["matrix"]
    first = workflow["jobs"]["check"]["steps"][1]["with"]["python-version"]
    assert {first, *matrix["python"]} == classified
    assert {entry["python"] for entry in matrix["include"]} <= classified
    assert f">={first}" == PROJECT["project"]["requires-python"]


def test_the_workflow_calls_targets_that_are_there() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    called = {step["run"].split()[1] for step in steps if "run" in step}
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert called
    assert called <= set(targets)


def test_what_is_cited_is_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["project"]["version"]
    assert citation["license"] == PROJECT["project"]["license"]


MARKDOWN = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / "docs" / "tutorials")
    for path in folder.glob("*.md")
)


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert "://" in target or (path.parent / target).exists(), f"{path.name}: {target}"


def test_every_file_of_the_package_is_installed() -> None:
    package = ROOT / "src" / "quantbench"
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["quantbench"]
    installed = {path for pattern in patterns for path in package.glob(pattern)}
    beside = {path for path in package.rglob("*") if path.is_file() and path.suffix != ".py"}
    assert {path for path in beside if path.parent.name != "__pycache__"} == installed
