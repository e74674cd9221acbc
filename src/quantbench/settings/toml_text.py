"""Values as TOML text: what a settings file holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def toml(value: object) -> str:
    """Return a value as TOML: text, numbers, paths, lists and tables within a line."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case Mapping():
            return f"{{ {', '.join(f'{toml_key(k)} = {toml(v)}' for k, v in value.items())} }}"
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
        case _:
            text = str(value) if isinstance(value, str | Path) else repr(value)
            return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(name: str) -> str:
    """Return a key of TOML, quoted where it isn't a bare one."""
    bare = name.isascii() and name.replace("-", "_").replace("_", "a").isalnum()
    return name if bare else toml(name)
