"""The command `quantbench compare`, in a module that doesn't load PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quantbench.cli.result_records import Compare
from quantbench.errors import RulesFailedError, UsageError
from quantbench.report.gate.junit import junit
from quantbench.report.gate.markdown import markdown
from quantbench.report.gate.words import case_name
from quantbench.report.terminal.diff import compared
from quantbench.report.terminal.gate import judged_rules
from quantbench.report.words import count
from quantbench.results.diff import side_by_side
from quantbench.results.file import read_results
from quantbench.results.gate.estimate import Outcome
from quantbench.results.gate.judge import Judged, judge_results
from quantbench.results.gate.rule import Rule, parse_rule
from quantbench.settings.layers import Setting, settings_of_compare
from quantbench.system.files import write_atomic
from quantbench.system.terminal import Terminal

_KEYS = ("fail_if", "strict")
_NO_RULES = "name a rule to judge by: --fail-if 'latency > +3%'"


@dataclass(frozen=True)
class Gate:
    """The rules to judge by, and whether one that isn't resolved fails."""

    rules: tuple[Rule, ...]
    strict: bool


def compare(record: Compare) -> None:
    """Print two results.json, or two compiled networks, side by side, and judge them by rules.

    Raises UsageError before anything is printed, ResultsError or ArtifactError for what can't be
    read, and RulesFailedError where a rule fails.
    """
    gate = gate_of(record)
    files = record.first, record.second
    if (record.junit or record.markdown or gate.strict) and not gate.rules:
        raise UsageError(_NO_RULES)
    folders = [path.is_dir() for path in files]
    judged = _compiled(files, gate.rules) if all(folders) else _results(files, gate.rules)
    if not judged:
        return
    Terminal().print(judged_rules(judged))
    if record.junit is not None:
        write_atomic(record.junit, junit(judged, strict=gate.strict))
    if record.markdown is not None:
        names = str(files[0]), str(files[1])
        write_atomic(record.markdown, markdown(judged, names).encode())
    fail_where_broken(judged, strict=gate.strict)


def gate_of(record: Compare) -> Gate:
    """The rules of the command line, else of the settings files. Raises UsageError."""
    settings = settings_of_compare(Path(), _KEYS, record.config)
    texts = record.fail_if
    if texts is None:
        texts = _texts(settings["fail_if"]) if "fail_if" in settings else []
    strict = record.strict
    if strict is None:
        strict = _flag(settings["strict"]) if "strict" in settings else False
    return Gate(tuple(map(parse_rule, texts)), strict)


def fail_where_broken(judged: Sequence[Judged], *, strict: bool) -> None:
    """Raise RulesFailedError for rules that fail, and where `strict` for those not resolved."""
    bad = (Outcome.FAIL, Outcome.NOT_RESOLVED) if strict else (Outcome.FAIL,)
    broken = [f"{case_name(x)} ({x.outcome})" for x in judged if x.outcome in bad]
    if broken:
        checks = count(len(judged), "check")
        raise RulesFailedError(f"{len(broken)} of {checks} not passed: {'; '.join(broken)}")


def _results(files: tuple[Path, Path], rules: Sequence[Rule]) -> tuple[Judged, ...]:
    a, b = (read_results(path) for path in files)
    comparison = side_by_side(a, b)
    judged = judge_results(rules, a, b, comparison)
    Terminal().print(compared(comparison, (str(files[0]), str(files[1])), (a, b)))
    return judged


def _compiled(files: tuple[Path, Path], rules: Sequence[Rule]) -> tuple[Judged, ...]:
    # The compiler's records need the library ONNX, which takes longer to load than all the rest.
    from quantbench.cli import compare_compiled

    return compare_compiled.compare_compiled(files, rules)


def _texts(setting: Setting) -> list[str]:
    values = setting.value if isinstance(setting.value, list) else [setting.value]
    if not all(isinstance(value, str) for value in values):
        raise UsageError(f"{setting.named} should be a list of rules, such as 'latency > +3%'")
    return [str(value) for value in values]


def _flag(setting: Setting) -> bool:
    if not isinstance(setting.value, bool):
        raise UsageError(f"{setting.named} should be true or false")
    return setting.value
