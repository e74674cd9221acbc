"""A command is declared by a record: each field is an argument or an option.

Typer reads a function's signature; here the signature is made from the record, so that an option
is written once, is typed, and reaches the command in one value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

import typer
from typer.core import TyperCommand, TyperOption

R = TypeVar("R")

STUDY = "What to study"
DATA = "Data"
TRAINING = "Training"
TIME = "How long"
OUTPUT = "Output"
_PANELS = (STUDY, DATA, TRAINING, TIME, OUTPUT)
_GENERAL = "Options"


def named(folder: str) -> Callable[[str], list[str]]:
    """A function that completes the names of a folder's plug-ins in a shell."""

    def complete(start: str) -> list[str]:
        from quantbench import plugins

        return [name for name in plugins.names(folder) if name.startswith(start)]

    return complete


def argument(help: str, metavar: str, complete: str = "") -> Any:
    """Describe a positional argument; `complete` is the folder of plug-ins that complete it."""
    completion = named(complete) if complete else None
    return typer.Argument(help=help, metavar=metavar, autocompletion=completion, show_default=False)


def option(
    panel: str | None,
    *names: str,
    help: str,
    metavar: str | None = None,
    default: str = "",
    complete: str = "",
    **more: Any,
) -> Any:
    """Describe an option; `default` is what holds where it isn't given, `complete` a folder."""
    return typer.Option(
        *names,
        help=f"{help}  [default: {default}]" if default else help,
        metavar=metavar,
        show_default=False,
        rich_help_panel=panel,
        autocompletion=named(complete) if complete else None,
        **more,
    )


class GroupedCommand(TyperCommand):
    """A command whose help shows its options under their headings, as plain text."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then each group of options."""
        rows: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if (row := parameter.get_help_record(ctx)) is not None:
                panel = parameter.rich_help_panel if isinstance(parameter, TyperOption) else None
                kind = "Arguments" if parameter.param_type_name == "argument" else _GENERAL
                rows.setdefault(panel or kind, []).append(row)
        for title in ("Arguments", *_PANELS, _GENERAL):
            if title in rows:
                with formatter.section(title):
                    formatter.write_dl(rows[title])


def declare(
    app: typer.Typer, record: type[R], name: str | None = None
) -> Callable[[Callable[[R], None]], Callable[[R], None]]:
    """Offer the decorated function as a command whose arguments are the fields of `record`."""

    def decorate(command: Callable[[R], None]) -> Callable[[R], None]:
        def call(**values: Any) -> None:
            command(record(**values))

        signature = inspect.signature(record)
        hints = get_type_hints(record, include_extras=True)
        parameters = [
            parameter.replace(annotation=hints[parameter.name])
            for parameter in signature.parameters.values()
        ]
        call.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=parameters, return_annotation=None
        )
        call.__annotations__ = hints
        call.__doc__ = command.__doc__
        app.command(name or command.__name__, cls=GroupedCommand)(call)
        return command

    return decorate
