"""Names in the generated C: everything stands under the model's prefix.

Kernels and emitters write `model_` and `MODEL_`; the last step of writing a file puts the name that
the user chose in their place. Names from an ONNX file are cleaned first: none can end a comment,
begin a trigraph or leave the letters of a C identifier.
"""

from __future__ import annotations

import re
import string

from quantbench.errors import UsageError

DEFAULT = "model"
MAX_NAME = 31
"""Characters of an external name that C99 tells apart."""
MAX_LAYER = 24
_VALID = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*\Z")
_HEADERS = (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal "
    "stdarg stdbool stddef stdint stdio stdlib string tgmath time wchar wctype "
    "arm_acle arm_neon immintrin"
)
_TAKEN = frozenset(("main", "golden", *_HEADERS.split()))
"""Names whose NAME.h or NAME.c would hide a file of the C library or of the same folder."""
_COMMENT_CHARACTERS = frozenset(string.ascii_letters + string.digits + "_.:/-")
# A comment about a layer holds a name from the network, which stays as it is.
_PREFIX = re.compile(r"/\* l\d+ .*?\*/|\b(?:model(?=_|\.h\")|MODEL(?=_))")


def require_name(name: str) -> None:
    """Raises UsageError for what can't be the prefix of C identifiers and the name of files."""
    if len(name) > MAX_NAME or not _VALID.match(name):
        raise UsageError(
            f"--name {ascii(name)[:60]}: take a C identifier of at most {MAX_NAME} letters, digits "
            "and single underscores, beginning with a letter"
        )
    if name.lower() in _TAKEN:
        raise UsageError(f"--name {name}: {name}.h is another file's name; take a different one")


def renamed(text: str, name: str) -> str:
    """C in which `model_` and `MODEL_` are the prefixes of the model called `name`."""
    if name == DEFAULT:
        return text

    def prefix(match: re.Match[str]) -> str:
        if match[0].startswith("/*"):
            return match[0]
        return name.upper() if match[0] == "MODEL" else name

    return _PREFIX.sub(prefix, text)


def layer_symbol(number: int, label: str) -> str:
    """The stem of a layer's identifiers: `model_l0_conv1`; the number keeps them apart."""
    cleaned = re.sub(r"[^A-Za-z0-9]+", "_", label).strip("_")[:MAX_LAYER].strip("_")
    return f"model_l{number}_{cleaned}" if cleaned else f"model_l{number}"


def comment(text: str) -> str:
    """Text from outside, made safe for a comment: other characters become underscores."""
    return "".join(char if char in _COMMENT_CHARACTERS else "_" for char in text[:100])
