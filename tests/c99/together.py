"""Many networks in one program: one call of the compiler, one run, on this machine or another."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from quantbench.c99.build.library import WARNINGS
from quantbench.c99.ir.graph import Graph
from tests.c99.drawn import graphs

PROGRAM = "./check"


@cache
def drawn(count: int) -> tuple[Graph, ...]:
    """The same random networks each time."""
    found: list[Graph] = []

    @settings(
        max_examples=count, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(graphs())
    def collect(graph: Graph) -> None:
        found.append(graph)

    collect()
    return tuple(found)


def written(
    networks: Sequence[Mapping[str, str | bytes] | Mapping[str, str]], folder: Path
) -> list[str]:
    """The files of one program whose main() runs that of each; the sources among them."""
    sources = ["all.c"]
    names = [f"check_{number}" for number in range(len(networks))]
    for number, files in enumerate(networks):
        own = folder / f"n{number}"
        own.mkdir()
        for name, content in files.items():
            (own / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        renamed = f"#define main check_{number}\n#define model_run run_{number}\n"
        for part in ("model", "main"):
            source = f"{part}_{number}.c"
            include = f'#include "n{number}/{part}.c"\n'
            (folder / source).write_text(renamed + include, encoding="utf-8")
            sources.append(source)
    (folder / "all.c").write_text(
        "#include <stdio.h>\n"
        + "".join(f"int {name}(void);\n" for name in names)
        + f"static int (*const checks[])(void) = {{{', '.join(names)}}};\n"
        "int main(void)\n{\n    for (unsigned i = 0; i < sizeof checks / sizeof *checks; i++) {\n"
        '        if (checks[i]()) {\n            printf("FAIL: network %u\\n", i);\n'
        "            return 1;\n        }\n    }\n    return 0;\n}\n",
        encoding="utf-8",
    )
    return sources


def all_pass(
    networks: Sequence[Mapping[str, str | bytes] | Mapping[str, str]],
    folder: Path,
    compiler: Sequence[str],
    *,
    warnings: Sequence[str] = WARNINGS,
    run: Sequence[str] = (PROGRAM,),
) -> None:
    """Each network's golden vectors, in one program that is built in `folder` without a warning."""
    sources = written(networks, folder)
    build = [*compiler, "-std=c99", *warnings, *sources, "-lm", "-o", PROGRAM]
    built = subprocess.run(build, cwd=folder, capture_output=True, check=False, timeout=600)
    assert built.returncode == 0, built.stderr.decode(errors="replace")
    ran = subprocess.run(
        run, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=600
    )
    said = (ran.stdout + ran.stderr).decode(errors="replace")
    assert ran.returncode == 0, said
    assert said.count("PASS") == len(networks), said
