"""Threads that compute one image together: their bits, their end, and no data race."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.build import calling
from quantbench.c99.build.loader import loaded, sources
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph, Window
from quantbench.c99.target.target import Target
from tests.c99 import checking
from tests.c99.builder import Builder
from tests.c99.parted import parted
from tests.process import python

RACING = """
#include <stdint.h>
#include <stddef.h>
typedef struct model_team model_team;
model_team *model_team_open(void);
size_t model_team_golden(model_team *team, uint8_t *scratch);
void model_team_meet(model_team *team, size_t times);
void model_team_close(model_team *team);
static uint8_t scratch[SCRATCH];
int main(void)
{
    model_team *const team = model_team_open();
    if (team == NULL) {
        return 2;
    }
    model_team_meet(team, 3);
    const size_t wrong = model_team_golden(team, scratch);
    model_team_close(team);
    return wrong != 0;
}
"""
SHARED = """
import os, sys, time
import numpy as np
from pathlib import Path
from quantbench.c99.build import calling
from quantbench.c99.build.loader import loaded
from tests.c99.build.test_team import network
from tests.c99.parted import parted
calling.cores = lambda: 2
predict = loaded(parted(network(), 2)[0], 2)
image = np.full((1, 4, 8, 8), 0.5, np.float32)
before = predict(image).tobytes()
if (child := os.fork()) == 0:
    os._exit(predict(image).tobytes() != before)
assert os.waitpid(child, 0)[1] == 0
time.sleep(0.05)
start = time.process_time()
time.sleep(0.3)
print(time.process_time() - start < 0.1, predict(image).tobytes() == before)
"""


def network() -> Graph:
    build = Builder((4, 8, 8))
    x = build.conv("input", 16, Window((3, 3), (1, 1), (1, 1, 1, 1)))
    x = build.conv(x, 16, Window((3, 3), (1, 1), (1, 1, 1, 1)), groups=16)
    return build.graph(build.conv(x, 4, Window((1, 1)), activation="none"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checking.command()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(calling, "cores", lambda: 2)


def test_threads_give_the_bits_of_one() -> None:
    graph = network()
    one, several = loaded(emit(graph, Target.NATIVE), 1), loaded(parted(graph, 2)[0], 2)
    shape = graph.tensors[graph.input].shape
    images = np.random.default_rng(3).normal(0, 2, (5, *shape)).astype(np.float32)
    for image in images:
        assert several(image[None]).tobytes() == one(image[None]).tobytes()
    assert several(images).tobytes() == one(images).tobytes()


def test_a_fork_computes_alone_and_threads_sleep_and_end() -> None:
    done = python("-c", SHARED, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "True"]


def test_threads_do_not_race(tmp_path: Path) -> None:
    emitted, _ = parted(network(), 3)
    assert emitted.parts is not None
    for name, text in {**sources(emitted), "racing.c": RACING}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    flags = ("-std=c99", "-O1", "-g", "-fsanitize=thread", "-pthread", *checking.native())
    files = ("model.c", "parts.c", "convert.c", "racing.c", "-lm", "-o", "racing")
    scratch = f"-DSCRATCH={max(emitted.scratch, emitted.parts.scratch)}"
    built = subprocess.run(
        (*checking.command(), *flags, scratch, *files), cwd=tmp_path, capture_output=True,
        check=False, text=True,
    )  # fmt: skip
    if "tsan" in built.stderr:
        pytest.skip("this C compiler has no thread sanitizer")
    assert built.returncode == 0, built.stderr
    ran = subprocess.run(
        ("./racing",), cwd=tmp_path, capture_output=True, check=False, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
