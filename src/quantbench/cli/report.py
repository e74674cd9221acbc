"""The command `quantbench report`, in a module that doesn't load PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from quantbench.cli.result_records import Report as Command
from quantbench.cli.show import RESULTS
from quantbench.explain.file import NAME, kept_explanation
from quantbench.report.html.page import page_html
from quantbench.report.html.parts import Embedded, Report
from quantbench.report.summary import summary
from quantbench.results.file import read_results
from quantbench.results.records import Results
from quantbench.system.files import write_atomic
from quantbench.system.terminal import Terminal

_ONE, _SEVERAL = "report.html", "side-by-side.html"


def report(record: Command) -> None:
    """Write the page of finished studies, or print their summary in Markdown.

    Raises ResultsError for a file that can't be read, StorageError where the page can't be written.
    """
    named = record.studies or [Path("results")]
    files = [path / RESULTS if path.is_dir() else path for path in named]
    studies = [read_results(path) for path in files]
    reports = [
        Report(results, kept_explanation(path), name, _embedded(results, path.parent, record))
        for results, path, name in zip(studies, files, _names(studies, files), strict=True)
    ]
    _tell_stale(files, reports)
    if record.markdown:
        texts = (summary(each.results, each.explanation) for each in reports)
        Terminal().print(Text("\n".join(texts)), soft_wrap=True, end="")
        if record.html is None:
            return
    page = record.html or files[0].parent / (_ONE if len(files) == 1 else _SEVERAL)
    write_atomic(page, page_html(reports).encode())
    Terminal(stderr=True).say(f"written to {page}")


def _embedded(results: Results, out: Path, record: Command) -> Embedded | str:
    """The network of a study of images, unless no page is written."""
    if results.sample != "image" or (record.markdown and record.html is None):
        return ""
    from quantbench.report.html.embed import embedded_of  # loads the compiler, which takes long

    return embedded_of(results, out)


def _names(studies: Sequence[Results], files: Sequence[Path]) -> list[str]:
    """Words that tell studies apart: their CPUs, then the folders' names, then their places.

    A page is passed around, so no path of this machine is in it.
    """
    if len(studies) == 1:
        return [""]
    cpus = [results.environment.cpu for results in studies]
    with_folder = [
        f"{cpu} ({path.absolute().parent.name})" for cpu, path in zip(cpus, files, strict=True)
    ]
    counts, named = Counter(cpus), Counter(with_folder)
    return [
        cpu if counts[cpu] == 1 else name if named[name] == 1 else f"{cpu} ({place})"
        for place, (cpu, name) in enumerate(zip(cpus, with_folder, strict=True), 1)
    ]


def _tell_stale(files: Sequence[Path], reports: Sequence[Report]) -> None:
    for path, each in zip(files, reports, strict=True):
        if each.explanation is None and (other := path.parent / NAME).exists():
            Terminal(stderr=True).say(
                f"{other} explains other results than {path}: it is left out; `quantbench explain` "
                "writes it anew"
            )
