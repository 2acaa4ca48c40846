"""The decisions on columns, and the notes that report them to the user."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from ferroprop.cli.reading.column import Column
from ferroprop.cli.reading.dates import with_the_other_order
from ferroprop.cli.reading.missing import MissingWords, stripped
from ferroprop.cli.reading.numbers import PLAIN
from ferroprop.cli.reading.table import Table
from ferroprop.cli.wording import count, listed, option, quoted, shown

MOST_COLUMNS = 8
"""The most columns that a note names; it counts the others."""

MOST_STRAYS = 3
"""The most stray texts that a note names; it counts the others."""


@dataclass(frozen=True)
class Stray:
    """A stray text: the number of its cells, and the first row that has it."""

    text: str
    cells: int
    row: int


@dataclass(frozen=True)
class Decision:
    """The decision on the kind of a column of text.

    Parameters
    ----------
    column : Column or None
        The decision; None if the column has no value.
    values : polars.Series
        The values of the column, read by the decision.
    strays : list of Stray
        Texts of another kind, which count as missing.
    words : list of Stray
        Words that usually stand for missing; they do in this column, unless it is one of categories.
    doubtful : bool
        Whether the same texts can be read as other numbers or dates.
    doubt : str
        Why the column is taken for categories though it may hold numbers or dates, in words; may be empty.
    example : str
        A text of the column.
    remarks : list of str
        How some of the cells are read, in words.
    """

    column: Column | None
    values: pl.Series
    strays: list[Stray] = field(default_factory=list)
    words: list[Stray] = field(default_factory=list)
    doubtful: bool = False
    doubt: str = ""
    example: str = ""
    remarks: list[str] = field(default_factory=list)


def notes_on(decisions: Mapping[str, Decision], place: Callable[[int], str]) -> list[str]:
    """Return the notes on the decisions that the user should know.

    Parameters
    ----------
    decisions : mapping of str to Decision
        By the columns' names.
    place : callable
        Returns the place of a row in the file.

    Returns
    -------
    list of str
        One line each; the same thing about many columns is said once.

    Examples
    --------
    >>> size = Decision(Column("size", "number"), pl.Series([1.5, None]), [Stray("big", 1, 1)])
    >>> for note in notes_on({"size": size}, lambda row: f"line {row + 2}"):
    ...     print(note)
    column 'size': 'big' in line 3 is no number, and missing; --category size keeps the texts
    """
    columns = list(decisions.items())
    return [
        *_formats(columns),
        *(
            f"column {shown(name)} is taken for categories: {decision.doubt}"
            for name, decision in columns
            if decision.doubt
        ),
        *(f"column {shown(name)}: {remark}" for name, decision in columns for remark in decision.remarks),
        *_words(columns, place),
        *_strays(columns, place),
    ]


def notes_on_words(table: Table, columns: Sequence[Column], words: MissingWords) -> list[str]:
    """Return notes on words that mean missing in a table to predict but were not in the training table.

    Parameters
    ----------
    table : Table
        The table.
    columns : sequence of Column
        The columns of the model.
    words : MissingWords
        The texts that stand for missing values.

    Returns
    -------
    list of str
        One line each.
    """
    texts = [c for c in columns if table.frame[c.name].dtype == pl.String and c.kind != "category"]
    new = {c.name: set(words.of(c.kind)) - {"", *c.missing} for c in texts}
    found = table.frame.select(stripped(pl.col(name)).is_in(list(of)).any() for name, of in new.items())
    columns_with_words = []
    for name, has_words in zip(found.columns, found.row(0) if found.width else (), strict=True):
        if has_words:
            cells = stripped(table.frame[name])
            there = [word for word in words.of("number") if word in new[name] and word in set(cells)]
            strays = [
                Stray(word, int((cells == word).sum()), int((cells == word).arg_true()[0])) for word in there
            ]
            columns_with_words.append((name, Decision(Column(name, "number"), cells, words=strays)))
    return _words(columns_with_words, table.place)


def _formats(columns: Iterable[tuple[str, Decision]]) -> list[str]:
    """Note how ambiguous numbers and dates are read."""
    alike: dict[str, list[tuple[str, str]]] = {}
    notes: list[str] = []
    for name, decision in columns:
        column = decision.column
        if column is None or column.format is None:
            continue
        if column.kind == "number":
            form, example = column.number_format, pl.Series([decision.example])
            if form.read(example).equals(PLAIN.read(example)):
                continue  # no cell of the column shows the format
            for sign, what in {form.decimal: "the decimal sign", form.thousands: "between thousands"}.items():
                if sign not in ("", ".") or (sign == "." and what == "between thousands"):
                    alike.setdefault(f"'{sign}' is {what}", []).append((name, _read_as(decision)))
            for unit in (form.before, form.after):
                if unit:
                    alike.setdefault(f"{shown(unit)} is a unit and taken off", []).append(
                        (name, _read_as(decision))
                    )
        elif column.kind == "date" and decision.doubtful:
            first, other = column.date_format.formats[0], with_the_other_order(column.date_format)
            which = "day" if first.startswith("%d") else "month"
            notes.append(
                f"column {shown(name)}: dates such as {shown(decision.example)} are read {which} first;"
                f" {option('--date-format', f'{name}={other}')} reads them the other way"
            )
        elif column.kind == "date" and column.date_format.formats[0].startswith("%Y%m%d"):
            notes.append(
                f"column {shown(name)}: {shown(decision.example)} is a date;"
                f" {option('--number', name)} takes it for a number"
            )
    for what, named in alike.items():
        way_out = "" if "unit" in what else "; --decimal says otherwise"
        notes.append(f"{what} in {_named([name for name, _ in named])}: {named[0][1]}{way_out}")
    return notes


def _read_as(decision: Decision) -> str:
    assert decision.column is not None
    number = decision.column.number_format.read(pl.Series([decision.example]))[0]
    return f"{shown(decision.example)} is {number:.15g}"


def _words(columns: Iterable[tuple[str, Decision]], place: Callable[[int], str]) -> list[str]:
    """Note which words mean missing, and which are categories although they often mean missing."""
    found: dict[tuple[str, bool], list[tuple[str, Stray]]] = {}
    for name, decision in columns:
        for word in decision.words:
            is_category = decision.column is None or decision.column.kind == "category"
            found.setdefault((word.text, is_category), []).append((name, word))
    notes = []
    for (text, is_category), where in found.items():
        cells = sum(word.cells for _, word in where)
        first = min(word.row for _, word in where)
        means = f"a category; {option('--missing', text)} takes it for missing" if is_category else "missing"
        names = _named([name for name, _ in where])
        notes.append(f"{shown(text)} in {names} ({count(cells, 'cell')}, first in {place(first)}) is {means}")
    return notes


def _strays(columns: Iterable[tuple[str, Decision]], place: Callable[[int], str]) -> list[str]:
    """Note which cells do not have the kind of their column."""
    with_strays = [(name, decision) for name, decision in columns if decision.strays]
    notes = []
    for name, decision in with_strays[:MOST_COLUMNS]:
        assert decision.column is not None
        what = {"number": "number", "date": "date", "duration": "time"}.get(
            decision.column.kind, "true or false"
        )
        cells = sum(stray.cells for stray in decision.strays)
        examples = listed(
            [f"{shown(stray.text)} in {place(stray.row)}" for stray in decision.strays], MOST_STRAYS
        )
        said = (
            f"{examples} is no {what}, and"
            if cells == 1
            else f"{count(cells, 'cell')} are no {what}s ({examples}), and"
        )
        notes.append(f"column {shown(name)}: {said} missing; {option('--category', name)} keeps the texts")
    rest = with_strays[MOST_COLUMNS:]
    if rest:
        cells = sum(stray.cells for _, decision in rest for stray in decision.strays)
        notes.append(
            f"{count(len(rest), 'more column')} with such cells ({count(cells, 'cell')}), which are missing"
        )
    return notes


def _named(names: list[str]) -> str:
    return f"column {shown(names[0])}" if len(names) == 1 else f"columns {quoted(names, MOST_COLUMNS)}"
