"""Decoding bytes: UTF-8, the encoding of a byte order mark, or Windows-1252 if that is plausible."""

import codecs
import re
from dataclasses import dataclass

from ferroprop.cli.problem import Problem
from ferroprop.cli.wording import shown

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
WINDOWS = "cp1252"
NAMES = {"utf-8": "UTF-8", WINDOWS: "Windows-1252"}
NOT_WESTERN = re.compile(rb"[\x80-\xff]{3}")
"""Three letters beyond ASCII in a row: rare in Western words, usual in other scripts."""


@dataclass(frozen=True)
class Text:
    """A decoded file.

    Parameters
    ----------
    text : str
        Its text, without a byte order mark.
    encoding : str
        Python's name of the encoding, to write by.
    mark : bytes
        The byte order mark that it began with.
    note : str or None
        A note to the user if the encoding is a guess.
    """

    text: str
    encoding: str
    mark: bytes = b""
    note: str | None = None

    @property
    def name(self) -> str:
        """The encoding for people."""
        return NAMES.get(self.encoding, self.encoding)


def decode(content: bytes, asked: str | None, where: str) -> Text:
    """Decode the bytes of a text file.

    Parameters
    ----------
    content : bytes
        All bytes of the file.
    asked : str or None
        The encoding that the user names; None to find out.
    where : str
        The table's name, for messages.

    Returns
    -------
    Text
        The text, and how it was encoded.

    Raises
    ------
    Problem
        If the content is not text, or not in the encoding asked for, or its encoding cannot be determined.

    Examples
    --------
    >>> decode("Größe".encode("cp1252"), None, "t.csv").note
    "'t.csv' is not UTF-8 (line 1) and read as Windows-1252, as in 'Größe'; --encoding names another"
    >>> decode("Größe".encode("utf-16"), None, "t.csv").encoding
    'utf-16-le'
    """
    for mark, encoding in MARKS.items():
        if content.startswith(mark) and (asked is None or _same(asked, encoding)):
            return Text(_decoded(content.removeprefix(mark), encoding, where, asked), encoding, mark)
    if asked is not None:
        return Text(_decoded(content, asked, where, asked), asked)
    if b"\0" in content:
        _refuse_binary(content, where)
    try:
        return Text(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        return _windows(content, error.start, where)


def check_encoding(name: str) -> bool:
    """Return whether Python knows an encoding of text by this name."""
    try:
        "".encode(name)
    except (LookupError, UnicodeError, ValueError):
        return False
    return True


def _same(asked: str, encoding: str) -> bool:
    name = codecs.lookup(asked).name
    return name in (encoding, encoding.removesuffix("-le").removesuffix("-be"), f"{encoding}-sig")


def _decoded(content: bytes, encoding: str, where: str, asked: str | None) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        begin = f"--encoding: '{where}'" if asked else f"TABLE: '{where}' begins like {encoding} but"
        line = _line(content, error.start)
        raise Problem(
            f"{begin} is not {encoding}: byte 0x{content[error.start]:02X} in line {line};"
            " expected another encoding"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Problem(f"TABLE: '{where}' is not text: it has a NUL in line {line}; expected a CSV file")
    return text


def _refuse_binary(content: bytes, where: str) -> None:
    start = content[:1024]
    for name, zeros in {"utf-16-le": start[1::2], "utf-16-be": start[::2]}.items():
        if len(start) > 3 and zeros.count(0) > 0.7 * len(zeros):
            raise Problem(f"TABLE: '{where}' looks like UTF-16; --encoding {name} reads it")
    raise Problem(
        f"TABLE: '{where}' is not text: it has a NUL in line {_line(content, content.index(0))};"
        " expected a CSV file in UTF-8, or a Parquet file"
    )


def _windows(content: bytes, bad: int, where: str) -> Text:
    line = _line(content, bad)
    try:
        text = None if NOT_WESTERN.search(content) else content.decode(WINDOWS)
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise Problem(
            f"TABLE: '{where}' is not UTF-8: byte 0x{content[bad]:02X} in line {line};"
            " --encoding names what it is, such as cp1252, cp1251, shift_jis, gb18030"
        )
    word = re.search(r"[\w -]*\Z", text[max(0, bad - 30) : bad])
    rest = re.match(r"[^,;\t|\"\r\n]*", text[bad : bad + 30])
    example = ((word.group() if word else "") + (rest.group() if rest else "")).strip()
    note = (
        f"'{where}' is not UTF-8 (line {line}) and read as Windows-1252, as in {shown(example)};"
        " --encoding names another"
    )
    return Text(text, WINDOWS, note=note)


def _line(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1
