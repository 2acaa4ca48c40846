"""Values as C text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

WIDTH = 100


def number(value: Any) -> str:
    """Return a number as the shortest constant of type float that is this float32.

    Examples
    --------
    >>> number(0.1), number(-3), number(1e30), number(np.float32(1) / 3)
    ('0.1f', '-3.0f', '1e+30f', '0.33333334f')
    """
    with np.errstate(over="ignore"):
        single = np.float32(value)
    if not np.isfinite(single):
        return "(0.0f / 0.0f)" if np.isnan(single) else f"({'-' if single < 0 else ''}1.0f / 0.0f)"
    return f"{single!s}f"


def array(kind: str, name: str, values: Iterable[Any]) -> str:
    """Return the definition of a constant array; numbers of type float get their ``f``.

    Examples
    --------
    >>> print(array("float", "b", [0.5, -2]), end="")
    static const float b[2] = {
        0.5f, -2.0f
    };
    """
    texts = [number(value) if kind == "float" else str(value) for value in values]
    lines, line = [], "   "
    for index, text in enumerate(texts):
        piece = f" {text}{',' if index < len(texts) - 1 else ''}"
        if len(line) + len(piece) > WIDTH:
            lines.append(line)
            line = "   "
        line += piece
    lines.append(line)
    return "\n".join([f"static const {kind} {name}[{len(texts)}] = {{", *lines, "};", ""])


def text_constant(text: str) -> str:
    r"""Return a text as a string in C; bytes beyond ASCII as numbers.

    Examples
    --------
    >>> print(text_constant('say "é"'))
    "say \"\303\251\""
    """
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?@' else rf"\{byte:03o}"
        for byte in text.encode()
    )
    return f'"{escaped}"'.replace(r"\042", r"\"").replace(r"\134", r"\\").replace(r"\077", r"\?")


def comment(lines: Sequence[str]) -> str:
    """Return a comment, whatever is in the lines.

    Examples
    --------
    >>> print(comment(["a model", "", "of a */ b"]), end="")
    /* a model
     *
     * of a * / b
     */
    """
    safe = [re.sub(r"[^\x20-\x7e]", "?", line) for line in lines]
    for ends, harmless in (("*/", "* /"), ("/*", "/ *"), ("??/", "?? /")):  # the last is a backslash in C99
        safe = [line.replace(ends, harmless) for line in safe]
    return "\n".join([f"/* {safe[0]}", *(f" * {line}".rstrip() for line in safe[1:]), " */", ""])
