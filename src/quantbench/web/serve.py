"""Serve a finished study of digits: its rows in workers, its page on a port."""

from __future__ import annotations

import ipaddress
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from quantbench.data import DataSpec
from quantbench.errors import UnknownNameError, UsageError
from quantbench.explain.telling import telling_rows
from quantbench.report.html.embed import digits_of
from quantbench.results.file import read_results
from quantbench.results.records import Results
from quantbench.tasks.network import TensorSpec
from quantbench.web.answering import Answering
from quantbench.web.checks import is_loopback
from quantbench.web.layers import insides_of
from quantbench.web.page import serve_html
from quantbench.web.row_worker import RowWorker, ServedRow
from quantbench.web.server import Server, Site

_RESULTS = "results.json"
_FLOAT32 = "float32"


def serve(
    out: Path,
    rows: Sequence[str] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve the study in `out` until the process is interrupted; nothing is written there.

    `tell` is given a line of progress at a time; the last names the address. Raises ResultsError
    without results, UsageError where the study isn't of digits, UnknownNameError for a row that
    it hasn't, and UnavailableError where the port can't be had.
    """
    _require_address(host, port)
    results = read_results(out / _RESULTS)
    spec = digits_of(results)
    if spec is None:
        raise UsageError(
            f"the study in {out} is of {results.data}; only a study of digits in MNIST's form, "
            "such as `quantbench run` makes, can be drawn for"
        )
    chosen = served_rows(results, out, rows)
    insides = insides_of(chosen)
    outputs = _outputs(spec)
    with tempfile.TemporaryDirectory() as folder:
        workers = [RowWorker(row, outputs, Path(folder)) for row in chosen]
        answering = Answering(spec, workers, insides)
        names = [row.name for row in chosen]
        title = f"{results.model} on {results.data}"
        page = serve_html(title, names, spec.classes, [inside.row for inside in insides])
        with Server(host, port, Site(page.encode(), answering.answer)) as server:
            tell(f"starting {len(names)} rows: {', '.join(names)}")
            with answering.running() as faults:
                for name, fault in zip(names, faults, strict=True):
                    if fault:
                        tell(f"{name} doesn't answer: {fault}")
                if not is_loopback(host):
                    tell("who reaches this port can use it: it is open to other machines")
                tell(f"{server.url} (Ctrl-C ends it)")
                server.serve_forever()


def served_rows(
    results: Results, out: Path, names: Sequence[str] | None = None
) -> tuple[ServedRow, ...]:
    """The rows that are shown: float32's first, then those named, or those of the answers.

    Raises UnknownNameError for a row that the study hasn't.
    """
    rows = {row.name: row for row in results.rows}
    for name in names or ():
        if name not in rows:
            raise UnknownNameError("row", name, rows, _RESULTS)
    float32 = [answer.float32 for answer in results.answers]
    float32 += [row.name for row in results.rows if row.method == _FLOAT32]
    wanted = dict.fromkeys((*float32[:1], *(names or telling_rows(results))))
    return tuple(
        ServedRow(name, out / rows[name].artifact, rows[name].runtime, rows[name].threads)
        for name in wanted
    )


def _outputs(spec: DataSpec) -> tuple[TensorSpec, ...]:
    return (TensorSpec(name="logits", shape=(len(spec.classes),)),)


def _require_address(host: str, port: int) -> None:
    """Raise UsageError for what is no address: a name would have to be looked up."""
    try:
        ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise UsageError(f"--host '{host}': give an address such as 127.0.0.1") from None
    if not 0 <= port < 1 << 16:
        raise UsageError(f"--port {port}: give a number from 0, a free one, to 65535")
