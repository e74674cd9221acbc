"""Networks in the forms that quantizers write: ONNX Runtime, the interpreter and the C agree.

`python -m tests.c99.fuzz 4000` runs so many of each form, from another place on.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from quantbench.c99.check.integer import verify
from quantbench.c99.frontend.reader import read
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_network
from quantbench.c99.target.target import Target
from quantbench.errors import CompileError
from tests.c99.checking import command
from tests.c99.networks import numbered
from tests.c99.spelling import FORMS
from tests.c99.together import all_pass

BLOCK = 50
"""Networks of one program."""
_NATIVE = 10
"""One in so many is built for wide registers."""


def check(form: str, first: int, count: int = BLOCK) -> None:
    """Each network's integers are within their bounds of ONNX Runtime's, layer by layer, and its C
    gives the same integers. Raises AssertionError, with the network's number.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [*_compiled(form, range(first, first + count), folder / "model.onnx")]
        all_pass(files, folder, (*command(), "-O0", "-march=native"), warnings=())


def _compiled(form: str, numbers: range, path: Path) -> Iterator[dict[str, str]]:
    for number in numbers:
        model, _ = numbered(number, FORMS[form])
        path.write_bytes(model.SerializeToString())
        try:
            network = read(path)
            graph = import_network(network)
            verify(network, graph)
            yield emit(graph, Target.PORTABLE if number % _NATIVE else Target.NATIVE).files
        except CompileError as error:
            raise AssertionError(f"{form} {number}: {error}") from error


def main() -> None:
    for form in FORMS:
        for first in range(10**6, 10**6 + int(sys.argv[1]), BLOCK):
            check(form, first)
        sys.stdout.write(f"{form}: {sys.argv[1]} networks, none beyond its bounds\n")


if __name__ == "__main__":
    main()
