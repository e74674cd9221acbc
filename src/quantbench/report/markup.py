"""Text in Markdown: a file may hold anything, and none of it is markup."""

from __future__ import annotations

import re

from quantbench.system.terminal import one_line

_MARKUP = re.compile(r"[\\`*_{}\[\]<>|#~&]")


def plain_markdown(text: str) -> str:
    """The text in one line, without any markup of its own."""
    return _MARKUP.sub(r"\\\g<0>", one_line(text))
