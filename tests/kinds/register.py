"""Has quantbench find the kinds beside its own models, in this process and in its workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import quantbench.models
from quantbench import plugins

FOLDER = Path(__file__).parent / "models"
KINDS = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


def register(patch: pytest.MonkeyPatch) -> None:
    original = plugins.source

    def source(folder: str, name: str) -> Path:
        known = folder == "models" and name in KINDS
        return FOLDER / f"{name}.py" if known else original(folder, name)

    patch.setattr(plugins, "source", source)
    patch.setattr(quantbench.models, "__path__", [*quantbench.models.__path__, str(FOLDER)])


def register_in_workers(patch: pytest.MonkeyPatch) -> None:
    start = subprocess.Popen

    def popen(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        replaced = ["tests.kinds.worker" if part == "quantbench.harness.worker" else part
                    for part in command]  # fmt: skip
        root = str(Path(__file__).parents[2])
        if replaced != command:
            options["env"] = options["env"] | {"PYTHONPATH": f"{root}:{':'.join(sys.path)}"}
        return start(replaced, **options)

    patch.setattr(subprocess, "Popen", popen)
