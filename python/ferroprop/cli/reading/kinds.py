"""Deciding the kind of each column of text, from all its cells or by an option; nothing else decides it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from ferroprop.cli.problem import Problem
from ferroprop.cli.reading import dates, numbers
from ferroprop.cli.reading.column import LARGEST_WHOLE, Column, as_text, kind_of
from ferroprop.cli.reading.decisions import Decision, Stray
from ferroprop.cli.reading.missing import MissingWords, stripped
from ferroprop.cli.reading.remarks import on_negatives, on_units, on_zones
from ferroprop.cli.reading.table import Table
from ferroprop.cli.wording import count, option, shown, suggestion

MOST = 0.8
"""A column holds numbers (dates) if this fraction of its cells do; the other cells are noted, and missing."""

HALF = 0.5
"""A column of categories is noted if this fraction of its cells are numbers or dates."""

LOOKED_AT = 1000
"""The number of texts that show whether a long column of text may hold numbers or dates."""

MOST_WORDS_KEPT = 100
"""The most texts that the model keeps as missing, so that they mean missing in other tables too."""

Wish = Literal["number", "category", "date"]


@dataclass(frozen=True)
class Wishes:
    """The user's options about the columns.

    Parameters
    ----------
    kinds : mapping of str to {'number', 'category', 'date'}
        The kind of a column, by its name.
    decimal : {'.', ',', None}
        The decimal sign of all columns of numbers.
    date_formats : mapping of str to str
        The format of a column of dates, by its name; of all under the empty name.
    """

    kinds: Mapping[str, Wish] = field(default_factory=dict)
    decimal: str | None = None
    date_formats: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Typed:
    """A table whose columns have types.

    Parameters
    ----------
    frame : polars.DataFrame
        Numbers as Int64 where all are whole, else Float64; Datetime, Duration, Boolean, String; Null where a
        column has no value.
    decisions : dict of str to Decision
        The decision on each column that was text.
    """

    frame: pl.DataFrame
    decisions: dict[str, Decision]


def decide(table: Table, words: MissingWords, wishes: Wishes) -> Typed:
    """Decide the kind of every column, and convert its values.

    Parameters
    ----------
    table : Table
        The training table. Columns of a Parquet file keep their types, except those that a wish names.
    words : MissingWords
        The texts that stand for missing values.
    wishes : Wishes
        The user's options about the columns.

    Returns
    -------
    Typed
        The columns with types, and the decisions.

    Raises
    ------
    Problem
        If a wish names no column, or one that has nothing of that kind.
    """
    _check_names(table, wishes)
    texts, others = _texts(table, wishes)
    plain = {} if wishes.decimal == "," else _plain_numbers(texts)
    decisions: dict[str, Decision] = {}
    for name, series in texts.items():
        if name in plain and name not in wishes.kinds and not dates.may_be_compact(plain[name], MOST):
            decisions[name] = Decision(Column(name, "number"), plain[name])
        else:
            decisions[name] = _decide(series, words, wishes, ".", None, table)
    _settle_doubts(decisions, texts, words, wishes, table)
    if wishes.decimal is None and table.dialect is not None and table.dialect.separator == ";":
        _doubt_points(decisions, texts)
    for name, series in others.items():
        # A column that the file calls text stays text; who did not choose so learns what else it may be.
        if name in wishes.kinds or series.dtype != pl.String:
            continue
        if doubt := _doubt_of_text(series, words, wishes, table):
            decisions[name] = Decision(Column(name, "category"), series, doubt=doubt)
    typed = [decisions[name].values if name in decisions else others[name] for name in table.frame.columns]
    return Typed(pl.DataFrame(typed), decisions)


def _check_names(table: Table, wishes: Wishes) -> None:
    given = {name: f"--{wish}" for name, wish in wishes.kinds.items()}
    given |= {name: "--date-format" for name in wishes.date_formats if name}
    for name, by in given.items():
        if name not in table.frame.columns:
            known = suggestion(name, table.frame.columns)
            raise Problem(f"{by}: no column {shown(name)} in the table; {known}")
        if wishes.kinds.get(name, "date") != "date" and name in wishes.date_formats:
            raise Problem(f"--date-format: column {shown(name)} is also given as --{wishes.kinds[name]}")


def _texts(table: Table, wishes: Wishes) -> tuple[dict[str, pl.Series], dict[str, pl.Series]]:
    """Return the columns whose kind must be decided, with their cells stripped, and the other columns."""
    texts: dict[str, pl.Series] = {}
    others: dict[str, pl.Series] = {}
    if table.is_text:
        stripped_frame = table.frame.select(stripped(pl.all()))
        return {series.name: series for series in stripped_frame}, {}
    for series in table.frame:
        name = series.name
        wish = wishes.kinds.get(name, "date" if name in wishes.date_formats else None)
        kind = kind_of(series.dtype)
        if wish in (None, kind) or (wish == "date" and kind == "duration"):
            others[name] = series
        elif kind is None or (kind != "category" and wish != "category"):
            raise Problem(f"--{wish}: column {shown(name)} is of type {series.dtype}; expected text")
        else:
            texts[name] = stripped(as_text(series)).fill_null("")
    return texts, others


def _plain_numbers(texts: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    """Return the columns all of whose cells are empty or plain numbers, converted in one pass."""
    if not texts:
        return {}
    frame = pl.DataFrame(list(texts.values()))
    floats = frame.select(pl.all().cast(pl.Float64, strict=False))
    whole = frame.select(pl.all().cast(pl.Int64, strict=False))
    empty = frame.select((pl.all() == "").sum()).row(0)
    unread = floats.select(pl.all().null_count()).row(0)
    nan = floats.select(pl.all().is_nan().any()).row(0)
    not_whole = whole.select(pl.all().null_count()).row(0)
    plain: dict[str, pl.Series] = {}
    for index, name in enumerate(frame.columns):
        if empty[index] == unread[index] < frame.height and not nan[index]:
            is_whole = not_whole[index] == empty[index]
            plain[name] = whole[name] if is_whole else _whole_if_possible(floats[name], frame[name])
    return plain


def _whole_if_possible(values: pl.Series, texts: pl.Series) -> pl.Series:
    """Return numbers as integers if all are whole; those that floats cannot hold are read again, exactly."""
    if values.dtype != pl.Float64 or not bool((values == values.floor()).all()):
        return values
    if bool((values.abs() < LARGEST_WHOLE).all()):
        return values.cast(pl.Int64)
    for dtype in (pl.Int64, pl.Int128):
        whole = texts.cast(dtype, strict=False)
        if whole.null_count() == values.null_count():
            return whole.alias(values.name)
    return values


def _decide(
    texts: pl.Series,
    words: MissingWords,
    wishes: Wishes,
    decimal: str,
    month_first: bool | None,
    table: Table,
) -> Decision:
    """Decide one column, whose texts are stripped."""
    name = texts.name
    wish = wishes.kinds.get(name, "date" if name in wishes.date_formats else None)
    different = _different(texts, words)
    usual = pl.col("text").is_in(words.usual)
    rest = different.filter(~usual)
    if different.is_empty() or (rest.is_empty() and different.height == 1 and wish is None):
        return Decision(None, pl.Series(name, [None] * len(texts), pl.Null))
    found = _Kinds(rest, wishes, name, decimal, month_first, table)
    column, readable, doubtful, noted = found.as_wished(wish) if wish else found.best()
    if column is None:
        column = Column(name, "category")
        values, _ = column.read(texts, words)
        usual_texts = different.filter(usual)
        return Decision(column, values, doubt=noted, words=_strays(usual_texts))
    missed = rest.filter(~readable)
    seen = [*different.filter(usual)["text"], *missed["text"]]
    values, _ = Column(column.name, column.kind, column.format, seen).read(texts, words)
    column = Column(column.name, column.kind, column.format, seen[:MOST_WORDS_KEPT])
    read = rest.filter(readable)
    units = on_units(column.number_format, read, table.place)
    remarks = [*units, *on_negatives(column, read, table.place), *on_zones(column, read, table.place)]
    column = replace(column, always_unit=bool(column.number_format.unit) and not units)
    return Decision(
        column,
        _whole_if_possible(values, texts) if column.kind == "number" else values,
        strays=_strays(missed),
        words=_strays(different.filter(usual)),
        doubtful=doubtful,
        doubt=noted,
        example=_example(read["text"], column),
        remarks=remarks,
    )


def _different(texts: pl.Series, words: MissingWords) -> pl.DataFrame:
    """Return the different texts that are not missing, each with its cells and its first row."""
    return (
        pl.DataFrame({"text": texts})
        .with_row_index("row")
        .group_by("text", maintain_order=True)
        .agg(pl.len().alias("cells"), pl.col("row").first())
        .filter(~pl.col("text").is_in(words.of("category")))
    )


def _doubt_of_text(series: pl.Series, words: MissingWords, wishes: Wishes, table: Table) -> str:
    """Return why a column that the file calls text may hold numbers or dates; empty if it does not."""
    if not _may_hold_others(series.drop_nulls(), words):
        return ""
    different = _different(stripped(series).fill_null(""), words)
    rest = different.filter(~pl.col("text").is_in(words.usual))
    found = _Kinds(rest, wishes, series.name, ".", None, table)
    column, readable, _, noted = found.best()
    if column is None or column.kind == "boolean":
        return noted
    return f"the file has it as text, but {found.doubt(column, readable)}"


def _may_hold_others(texts: pl.Series, words: MissingWords) -> bool:
    """Return whether a sample of texts has numbers or dates enough to look at all: that takes seconds."""
    sample = stripped(texts.gather_every(max(1, len(texts) // LOOKED_AT)).head(LOOKED_AT))
    sample = sample.filter(~sample.is_in([*words.of("number")]))
    if sample.is_empty():
        return True
    each = pl.Series([1]).new_from_index(0, len(sample))
    by_format = numbers.find_format(sample, each, None, MOST, ".").readable
    times = dates.read_times(sample).is_not_null()
    held = by_format | numbers.are_numbers(sample) | dates.are_dates(sample) | times
    return int(held.sum()) >= HALF / 2 * len(sample)


def _example(texts: pl.Series, column: Column) -> str:
    """Return a text that shows how the column is written: one that is not a plain number or date."""
    form = replace(column.number_format, negatives="")  # negative numbers have a note of their own
    special = texts.filter(numbers.PLAIN.read(texts).ne_missing(form.read(texts)))
    return str(next(iter([*special.head(1), *texts.head(1)]), ""))


def _strays(missed: pl.DataFrame) -> list[Stray]:
    return [Stray(text, cells, row) for row, text, cells in missed.select("row", "text", "cells").iter_rows()]


class _Kinds:
    """The possible kinds of a column, by its distinct texts."""

    def __init__(
        self,
        rest: pl.DataFrame,
        wishes: Wishes,
        name: str,
        decimal: str,
        month_first: bool | None,
        table: Table,
    ) -> None:
        self._texts, self._cells, self._rows = rest["text"], rest["cells"], rest["row"]
        self._all = max(1, int(self._cells.sum()))
        self._wishes, self._name, self._decimal, self._month_first = wishes, name, decimal, month_first
        self._table = table

    def best(self) -> tuple[Column | None, pl.Series, bool, str]:
        """Return the kind of most cells (None: category), its texts, whether it is in doubt, and a note."""
        nothing = pl.Series([False] * len(self._texts), dtype=pl.Boolean)
        if self._texts.is_empty():
            return None, nothing, False, ""
        if bool(self._texts.str.to_lowercase().is_in(["true", "false"]).all()):
            return Column(self._name, "boolean"), ~nothing, False, ""
        candidates = [self._dates(), self._times(), self._numbers()]
        for column, readable, doubtful in candidates:
            if self._share(readable) >= MOST:
                return column, readable, doubtful, ""
        # Of many texts that are nearly all different, a sample tells enough.
        if LOOKED_AT * 10 < self._all < 2 * len(self._texts) and not _may_hold_others(
            self._texts, MissingWords()
        ):
            return None, nothing, False, ""
        by_any = numbers.find_format(self._texts, self._cells, None, MOST, self._decimal)
        if self._share(by_any.readable) >= MOST:
            return None, nothing, False, f"'{by_any.format.decimal}' is the decimal sign of its numbers"
        # Texts of several forms are no column of numbers, but the user should know that they are numbers.
        in_any_form = {"number": numbers.are_numbers(self._texts), "date": dates.are_dates(self._texts)}
        column, readable, _ = max(
            candidates, key=lambda one: self._share(one[1] | in_any_form.get(one[0].kind, one[1]))
        )
        every = readable | in_any_form.get(column.kind, readable)
        # Where no cell can be read, as in a column of brackets alone, no option would help.
        is_doubtful = bool(readable.any()) and self._share(every) >= HALF
        return None, nothing, False, self.doubt(column, readable, every) if is_doubtful else ""

    def doubt(self, column: Column, readable: pl.Series, every: pl.Series | None = None) -> str:
        """Return how many cells are of a kind, in one form (`readable`) and in any, and how to choose it."""
        what = {"number": "numbers", "date": "dates", "duration": "times"}[column.kind]
        wish = option("--number" if column.kind == "number" else "--date", self._name)
        cells = int(self._cells.filter(readable).sum())
        if cells == self._all:
            return f"its {count(cells, 'cell')} are all {what}; {wish} takes it for {what}"
        if every is not None and self._share(every) > self._share(readable):
            return (
                f"its {what} are written in more than one way: {cells:,} of {count(self._all, 'cell')} like"
                f" {self._first(readable)}, others like {self._first(every & ~readable)}; {wish} takes the"
                f" former for {what}, the others for missing"
            )
        return (
            f"{cells:,} of its {count(self._all, 'cell')} are {what}, {self._first(~readable)} is not;"
            f" {wish} takes it for {what}"
        )

    def _first(self, chosen: pl.Series) -> str:
        """Return the first of these texts with its place."""
        row = self._rows.filter(chosen)[0]
        return f"{shown(self._texts.filter(chosen)[0])} in {self._table.place(row)}"

    def as_wished(self, wish: Wish) -> tuple[Column | None, pl.Series, bool, str]:
        """Return the kind that the user wants."""
        if wish == "category":
            return None, pl.Series([False] * len(self._texts), dtype=pl.Boolean), False, ""
        candidates = [self._numbers()] if wish == "number" else [self._dates(), self._times()]
        column, readable, doubtful = max(candidates, key=lambda candidate: self._share(candidate[1]))
        if not bool(readable.any()):
            what = {"number": "number", "date": "date"}[wish]
            example = (
                f", such as {shown(self._texts[0])} in {self._table.place(self._rows[0])}"
                if len(self._texts)
                else ""
            )
            by = "--date-format" if wish == "date" and self._format() else f"--{wish}"
            raise Problem(f"{by}: column {shown(self._name)} has no {what} among its texts{example}")
        return column, readable, doubtful and wish == "date", ""

    def _share(self, readable: pl.Series) -> float:
        return int(self._cells.filter(readable).sum()) / self._all

    def _format(self) -> str | None:
        formats = self._wishes.date_formats
        return formats.get(self._name, formats.get(""))

    def _numbers(self) -> tuple[Column, pl.Series, bool]:
        found = numbers.find_format(self._texts, self._cells, self._wishes.decimal, MOST, self._decimal)
        number_format = None if found.format.is_plain else found.format
        return Column(self._name, "number", number_format), found.readable, found.doubtful

    def _dates(self) -> tuple[Column, pl.Series, bool]:
        asked = self._format()
        if asked is not None:
            by_wish = dates.DateFormat([asked])
            readable = by_wish.read(self._texts).is_not_null()
            if self._name in self._wishes.date_formats or self._share(readable) >= MOST:
                return Column(self._name, "date", by_wish), readable, False
        found = dates.find_dates(self._texts, self._cells, month_first=self._month_first)
        return Column(self._name, "date", found.format), found.readable, found.doubtful

    def _times(self) -> tuple[Column, pl.Series, bool]:
        return Column(self._name, "duration"), dates.read_times(self._texts).is_not_null(), False


def _settle_doubts(
    decisions: dict[str, Decision],
    texts: Mapping[str, pl.Series],
    words: MissingWords,
    wishes: Wishes,
    table: Table,
) -> None:
    """Decide ambiguous columns again, in agreement with the unambiguous ones."""
    sure = [d.column for d in decisions.values() if d.column is not None and not d.doubtful]
    commas = [column for column in sure if column.kind == "number" and column.number_format.decimal == ","]
    semicolons = table.dialect is not None and table.dialect.separator == ";"
    orders = [dates.puts_month_first(column.date_format) for column in sure if column.kind == "date"]
    month_first = next((order for order in orders if order is not None), None)
    for name, decision in list(decisions.items()):
        if decision.column is None:
            continue
        is_number = decision.column.kind == "number" and wishes.decimal is None
        if is_number and (decision.doubtful or (commas and decision.values.dtype == pl.Float64)):
            if commas or semicolons:
                decisions[name] = _decide(texts[name], words, wishes, ",", month_first, table)
        elif decision.doubtful and month_first is not None:
            decisions[name] = _decide(texts[name], words, wishes, ".", month_first, table)


def _doubt_points(decisions: dict[str, Decision], texts: Mapping[str, pl.Series]) -> None:
    """Remark on decimal points that may separate thousands, unless another column has certain ones."""
    points = {
        name: decision.column.number_format.bare(texts[name].filter(decision.values.is_not_null()))
        for name, decision in decisions.items()
        if decision.column is not None
        and decision.column.kind == "number"
        and decision.column.number_format.decimal == "."
        and not decision.column.number_format.thousands
        and bool(texts[name].str.contains(".", literal=True).any())
    }
    grouped = {name: numbers.all_grouped(cells) for name, cells in points.items()}
    if not all(grouped.values()):
        return
    for name, cells in points.items():
        example = cells.filter(cells.str.contains(".", literal=True))[0]
        by_point, by_comma = (
            form.read(pl.Series([example]))[0] for form in (numbers.PLAIN, numbers.NumberFormat(",", "."))
        )
        remark = (
            f"{shown(example)} is read as {by_point:.15g}, though its point may separate thousands;"
            f" --decimal , reads {by_comma:.15g}"
        )
        decisions[name] = replace(decisions[name], remarks=[*decisions[name].remarks, remark])
