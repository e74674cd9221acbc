"""The command `quantbench serve`, in a module that doesn't load PyTorch."""

from __future__ import annotations

from quantbench.cli.result_records import Serve
from quantbench.system.terminal import Terminal
from quantbench.web.serve import serve as serve_study

STOPPED = 130


def serve(record: Serve) -> None:
    """Serve a study's page until Ctrl-C, which is told in a line; the exit code is 130.

    Raises what web/serve.py raises.
    """
    terminal = Terminal(stderr=True)
    try:
        serve_study(record.out, record.row, record.host, record.port, terminal.say)
    except KeyboardInterrupt:
        terminal.say("stopped serving")
        raise SystemExit(STOPPED) from None
