"""Large constants in C as bytes of a file beside it, which the assembler takes in.

A C compiler takes minutes and gigabytes for millions of numbers; `.incbin` takes no time. The file
is named after the C file, by `__FILE__`, so that it is found from whatever folder is compiled in.
Compilers without `.incbin` include a header that has the same numbers as arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.c99.emit.c_syntax import CWriter

_CONDITION = (
    "defined(__GNUC__) && (defined(__ELF__) || defined(__MACH__)) && !defined({macro}_IN_C)"
)
_LITTLE_ENDIAN = "__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__"
_TAKEN_IN = """\
#ifndef {macro}_FILE
#define {macro}_FILE __FILE__ ".bin"
#endif
#ifdef __MACH__
#define {macro}_BEGIN(name) ".section __TEXT,__const\\n.private_extern " name "\\n"
#define {macro}_END ".previous\\n"
#else
#define {macro}_BEGIN(name) ".pushsection .rodata.{section},\\"a\\"\\n.hidden " name "\\n"
#define {macro}_END ".popsection\\n"
#endif
#define {macro}(type, name, at, bytes) \\
    __asm__({macro}_BEGIN(#name) ".globl " #name "\\n.balign 64\\n" #name ":\\n" \\
            ".incbin \\"" {macro}_FILE "\\", " #at ", " #bytes "\\n" {macro}_END); \\
    extern const type name[(bytes) / sizeof(type)] __asm__(#name) \\
        __attribute__((visibility("hidden"), aligned(64)));
"""


_OF_ANOTHER = """\
#define {macro}_OF(type, name) \\
    extern const type name[] __asm__(#name) __attribute__((visibility("hidden"), aligned(64)));
"""


class DataFile:
    """Constants of a C file, gathered while it is written: as bytes, and as arrays of C.

    `macro`: the prefix of the macros that take them in. `header`: the file of the arrays.
    `any_byte_order`: the bytes are right for big-endian processors, too. `other`: the header of
    another C file of the same program, whose constants this one may use.
    """

    def __init__(
        self, macro: str, header: str, *, any_byte_order: bool, other: str | None = None
    ) -> None:
        self._macro, self._header, self._other = macro, header, other
        self._any_byte_order = any_byte_order
        self._parts: list[bytes] = []
        self._arrays: list[str] = []
        self._end = 0

    @property
    def content(self) -> bytes:
        """The content of the file of bytes."""
        return b"".join(self._parts)

    @property
    def arrays(self) -> str:
        """The definitions that stand in the header."""
        return "".join(self._arrays)

    def taken_in(self, type: str, name: str, data: bytes, array: str) -> str:
        """The line of C by which the assembler takes in `data`, which is appended to the file.

        `array`: the definition for other compilers; "" where their code doesn't read it.
        """
        line = f"{self._macro}({type}, {name}, {self._end}, {len(data)})\n"
        self._parts.append(data)
        self._end += len(data)
        self._arrays.append(array)
        return line

    def of_another(self, type: str, name: str) -> str:
        """The line of C that makes a constant known which the other C file takes in."""
        return f"{self._macro}_OF({type}, {name})\n"

    def declare(self, c: CWriter, comment: str, otherwise: Sequence[str] = ()) -> None:
        """Write the macros. `otherwise`: directives for compilers that read the header."""
        condition = _CONDITION.format(macro=self._macro)
        c.text(comment)
        c.directive(f"if {condition}{'' if self._any_byte_order else f' && {_LITTLE_ENDIAN}'}")
        c.text(_TAKEN_IN.format(macro=self._macro, section=self._macro.lower()))
        if self._other:
            c.text(_OF_ANOTHER.format(macro=self._macro))
        c.directive("else")
        c.directive(f'include "{self._header}"')
        c.define(f"{self._macro}(type, name, at, bytes)", "")
        if self._other:
            c.directive(f'include "{self._other}"')
            c.define(f"{self._macro}_OF(type, name)", "")
        for line in otherwise:
            c.directive(line)
        c.directive("endif")
        c.blank()
