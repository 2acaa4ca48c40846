"""The header: which line of a CSV file holds the names of the columns, and names that differ."""

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.dialect import Dialect, usual_width
from ferroprop.cli.wording import count, listed, quoted, shown

FARTHEST = 50
"""The header is looked for in this many first rows."""

ENOUGH_NUMBERS = 0.9
"""A column looks like numbers if this fraction of its first cells are numbers."""


@dataclass(frozen=True)
class Header:
    """The names of the columns, and their line.

    Parameters
    ----------
    names : list of str
        The names, each once, none empty.
    cells : list of str
        The header line as it is in the file; empty without one.
    line : int
        Its line number; 0 without one.
    first : int
        The line number of the first row of data.
    notes : list of str
        Decisions that may be wrong.
    """

    names: list[str]
    cells: list[str]
    line: int
    first: int
    notes: list[str]


@dataclass(frozen=True)
class _Row:
    cells: list[str]
    line: int
    next_line: int


def find_header(
    lines: Sequence[str],
    dialect: Dialect,
    asked: int | None,
    expected: Collection[str],
    where: str,
    skipped: int = 0,
) -> Header:
    r"""Find the header among the first lines.

    Parameters
    ----------
    lines : sequence of str
        The first lines of the file.
    dialect : Dialect
        How to read them.
    asked : int or None
        The line number that the user names, 0 if there is no header; None to find out.
    expected : collection of str
        The names that a model needs; the line that has all of them is the header.
    where : str
        The table's name, for messages.
    skipped : int
        Lines that the file has before `lines`.

    Returns
    -------
    Header
        The names. Lines before the header that have too few cells to be one (a title, comments) are left out.
        If the first line looks like all others, with numbers over numbers, there is no header, and the
        names are ``column_1``, ``column_2`` ...

    Raises
    ------
    Problem
        If the line asked for is not there, or the header has a name too few.

    Examples
    --------
    >>> find_header(["Prices 2024\n", "\n", "size,price\n", "3,1.5\n"], Dialect(","), None, [], "t.csv").line
    3
    >>> find_header(["5.1,0.2,a\n", "4.9,0.2,a\n"], Dialect(","), None, [], "t.csv").names
    ['column_1', 'column_2', 'column_3']
    """
    rows = _rows(lines, dialect, skipped)
    if not rows:
        raise Problem(f"TABLE: '{where}' is empty; expected a header line and rows")
    if asked is not None:
        return _as_asked(rows, asked, where)
    wanted = set(expected)
    if wanted:
        for index, row in enumerate(rows[:FARTHEST]):
            if wanted <= set(_named(row.cells)[0]):
                return _from(row, rows[:index], where)
        if wanted <= {_number_name(index) for index in range(len(rows[0].cells))}:
            return _without(rows, where)

    width = usual_width(lines, dialect)
    index = 0
    while index < min(len(rows) - 1, FARTHEST) and _is_before_the_header(rows[index], rows[index + 1], width):
        index += 1
    row, below = rows[index], rows[index + 1 :]
    looks_like = _looks_like_a_row(row.cells, [other.cells for other in below])
    if looks_like == "surely":
        return _without(rows[index:], where, rows[:index])
    header = _from(row, rows[:index], where)
    if len(row.cells) == width - 1 and width > 2:
        header = _with_a_name_more(header, below, width, where)
    if looks_like == "perhaps":
        header.notes.append(
            f"line {row.line} is taken for the header, though its cells are numbers;"
            " --header none takes it for a row"
        )
    return header


def _rows(lines: Sequence[str], dialect: Dialect, skipped: int) -> list[_Row]:
    rows: list[_Row] = []
    reader = dialect.reader(lines, strict=False)
    before = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(_Row(cells, skipped + before + 1, skipped + reader.line_num + 1))
            before = reader.line_num
    except csv.Error:
        pass  # ferroprop.cli.reading.records says where
    return rows


def _as_asked(rows: list[_Row], asked: int, where: str) -> Header:
    if asked == 0:
        return _without(rows, where, noted=False)
    for row in rows:
        if row.line <= asked < row.next_line:
            return _from(row, [], where)
    raise Problem(
        f"--header: '{where}' has no names in line {asked}; expected the number of the line that has them"
    )


def _from(row: _Row, before: list[_Row], where: str) -> Header:
    names, notes = _named(row.cells)
    return Header(names, row.cells, row.line, row.next_line, [*_note_before(before, row), *notes])


def _without(rows: list[_Row], where: str, before: Sequence[_Row] = (), *, noted: bool = True) -> Header:
    width = max(len(row.cells) for row in rows)
    names = [_number_name(index) for index in range(width)]
    line = rows[0].line
    said = f"'{where}' has no header: line {line} looks like the others; --header {line} takes it for one"
    notes = [*_note_before(list(before), rows[0]), *([said] if noted else [])]
    return Header(names, [], 0, rows[0].line, notes)


def _note_before(before: list[_Row], row: _Row) -> list[str]:
    if not before:
        return []
    what = listed([shown(",".join(cell for cell in other.cells if cell)) for other in before], 2)
    return [f"{count(len(before), 'line')} above the header, which is line {row.line}: {what}"]


def _named(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return distinct names that are not empty, and notes on those that were made up."""
    names: list[str] = []
    notes: list[str] = []
    first: dict[str, int] = {}
    taken = set(cells)
    for place, cell in enumerate(cells, start=1):
        name = cell if cell.strip() else _number_name(place - 1)
        if name in first or (not cell.strip() and name in taken):
            again = 2
            while f"{name} ({again})" in taken:
                again += 1
            new = f"{name} ({again})"
            taken.add(new)
            if cell.strip():
                notes.append(
                    f"column {place} has the name of column {first[name]}, {shown(name)};"
                    f" here it is {shown(new)}"
                )
            name = new
        elif not cell.strip():
            taken.add(name)
        if not cell.strip():
            notes.append(f"column {place} has no name; here it is {shown(name)}")
        first.setdefault(name, place)
        names.append(name)
    return names, notes


def unique_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return distinct names that are not empty, and a note on each that was made up.

    Examples
    --------
    >>> unique_names(["", "size", "size"])[0]
    ['column_1', 'size', 'size (2)']
    """
    return _named(names)


def _with_a_name_more(header: Header, below: Sequence[_Row], width: int, where: str) -> Header:
    """Return the header with an empty name appended, because all lines end with a separator."""
    long = [row.cells for row in below if len(row.cells) == width]
    if any(cells[-1].strip() for cells in long):
        raise Problem(
            f"TABLE: the header of '{where}' in line {header.line} has {width - 1} names, but line"
            f" {below[0].line} has {width} cells, as R writes a table with row names; expected a name for"
            f" each column ({quoted(header.cells, 4)}); --header N, if the names are in line N"
        )
    names, _ = _named([*header.cells, ""])
    return Header(names, header.cells, header.line, header.first, header.notes)


def _is_before_the_header(row: _Row, following: _Row, width: int) -> bool:
    """Return whether this is a title or a comment: it has too few texts to name the columns."""
    if width < 2:
        return False
    texts = [bool(cell.strip()) for cell in row.cells]
    if row.cells[0].lstrip().startswith("#"):
        is_spelled_as_one = row.cells[0].lstrip()[1:2] in ("", " ", "\t", "#")
        return is_spelled_as_one or len(row.cells) != width or following.cells[0].lstrip().startswith("#")
    index_in_front = width == 2 and texts == [False, True]
    return (sum(texts) < 2 and not index_in_front) or 2 * sum(texts) < width


def _looks_like_a_row(cells: Sequence[str], below: Sequence[Sequence[str]]) -> str:
    """Return whether this line is a row like those below: 'surely', 'perhaps' or 'no'.

    A row has numbers over numbers, and texts that occur below. Numbers alone may be names too: years, or
    the wavelengths of a spectrum.
    """
    below = [row for row in below if row != list(cells)]
    numbers: list[float] = []
    recurring = texts = 0
    for place, cell in enumerate(cells):
        others = [row[place].strip() for row in below if place < len(row) and row[place].strip()]
        cell = cell.strip()
        if not others or not cell:
            continue
        if sum(map(_is_number, others)) >= ENOUGH_NUMBERS * len(others):
            if not _is_number(cell):
                return "no"
            numbers.append(float(cell.replace(",", ".")))
        elif cell in others:
            recurring += 1
        elif 2 * len(set(others)) < len(others):
            return "no"
        else:
            texts += 1
    if recurring and (numbers or (recurring > 1 and not texts)):
        return "surely"
    if not numbers:
        return "no"
    rises = numbers in (sorted(set(numbers)), sorted(set(numbers), reverse=True))
    return (
        "perhaps"
        if rises or (all(map(float.is_integer, numbers)) and len(set(numbers)) == len(numbers))
        else "surely"
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().replace(",", "."))
    except ValueError:
        return False
    return "_" not in cell


def _number_name(index: int) -> str:
    return f"column_{index + 1}"
