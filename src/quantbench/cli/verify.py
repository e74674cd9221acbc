"""The command `quantbench verify`, in a module that doesn't load PyTorch."""

from __future__ import annotations

from quantbench.c99.verify.records import Verification
from quantbench.cli import records
from quantbench.cli.progress import TerminalProgress
from quantbench.errors import BitsDifferError, UsageError
from quantbench.report.terminal.verified import first_difference, verified_page
from quantbench.settings.layers import at_commas
from quantbench.studies import verify as use_case
from quantbench.system.files import write_atomic
from quantbench.system.terminal import Terminal


def verify(record: records.Verify) -> None:
    """Verify a compiled network with the user's samples, and print what was found.

    Raises UsageError for missing options, what `studies.verify` raises, and BitsDifferError, once
    all is shown and written, where the C isn't the integer graph on every CPU that it ran on.
    """
    if record.model is None or record.data is None:
        raise UsageError(
            "name the network and your inputs: quantbench verify FOLDER --model MODEL.onnx "
            "--data x.npz"
        )
    with TerminalProgress() as progress:
        outcome = use_case.verify(
            record.folder,
            record.model,
            record.data,
            cpus=at_commas(record.cpu or ()),
            samples=record.samples,
            float_model=record.float_model,
            build=record.build,
            progress=progress,
        )
    if record.json:
        write_atomic(record.json, f"{outcome.model_dump_json(indent=1)}\n".encode())
    Terminal().print(verified_page(outcome))
    _require(outcome)


def _require(outcome: Verification) -> None:
    """Raise BitsDifferError unless the C has the integer graph's bits wherever it was run."""
    ran = [execution for execution in outcome.executions if execution.missing is None]
    if not ran:
        raise BitsDifferError(f"nothing was verified: {outcome.executions[0].missing}")
    bad = [execution for execution in ran if not execution.passed]
    if bad:
        raise BitsDifferError(f"{bad[0].cpu}: {bad[0].failed or first_difference(bad[0])}")
