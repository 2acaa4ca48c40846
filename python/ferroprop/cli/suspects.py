"""Columns that are not features: row numbers, identifiers, and copies of the target.

Columns that are certainly one of these are left out: whole numbers that count the rows, identifiers by their
name, and copies of the target. Columns that may be one of these are used, with a note; so are numbers that
are codes by their name.
"""

import re
from collections.abc import Collection, Sequence

import polars as pl

from ferroprop.cli.columns import IDENTIFIER_ROWS, NEARLY_ALL, Choice, nothing_to_learn_from
from ferroprop.cli.reading.column import Column
from ferroprop.cli.wording import option, quoted, shown

IDENTIFIER = re.compile(
    r"(?:unnamed:? ?\d*|column_1|index|level_0|__index_level_0__|_c0|x1|id|uid|uuid|guid|key|serial|nr|no|"
    r"row_?(?:names?|numbers?|num|nr|no|id)?|.*[_ .-](?:id|uid|uuid|guid|nr|no|key|index))",
    re.IGNORECASE,
)
IDENTIFIER_IN_CAMEL_CASE = re.compile(r".*[a-z](?:Id|ID|Nr|No|Key)")
CODE = re.compile(
    r"(?i:(?:.*[_ .-])?(?:id|uid|zip|(?:zip|post|postal)[_ .-]?code|plz))|"
    r".*[a-z](?:Id|ID|Zip|(?:Zip|Post|Postal)Code)"
)

NEARLY_ONE = 1 - 1e-9
"""A column whose correlation with the target is above this is the target in other units."""


def leave_out_suspects(
    choice: Choice, frame: pl.DataFrame, target: str, wanted: Collection[str]
) -> tuple[Choice, list[str]]:
    """Leave out columns that carry no information about rows outside this table.

    Parameters
    ----------
    choice : Choice
        The columns that could be used.
    frame : polars.DataFrame
        The rows of the training table that have a target.
    target : str
        The column to predict.
    wanted : collection of str
        The columns that the user gave a kind; they stay.

    Returns
    -------
    choice : Choice
        The remaining columns.
    notes : list of str
        Notes on columns that stay, though they may be identifiers or equivalent to the target.

    Raises
    ------
    Problem
        If no column is left.

    Examples
    --------
    >>> frame = pl.DataFrame({"Id": range(1, 31), "size": [0.5, 1.5, 3.5] * 10, "y": [0, 1, 1] * 10})
    >>> columns = Choice([Column("Id", "number"), Column("size", "number")], {})
    >>> leave_out_suspects(columns, frame, "y", ())[0].left_out
    {'Id': 'it numbers the rows from 1; --number Id keeps it'}
    """
    asked = set(wanted)
    candidates = [column for column in choice.used if column.name not in asked]
    numbering, notes = _numbering(frame, candidates)
    copies, doubts = _copies(frame, [c for c in candidates if c.name not in numbering], target)
    left_out = choice.left_out | numbering | copies
    used = [column for column in choice.used if column.name not in left_out]
    if not used:
        raise nothing_to_learn_from(target, left_out)
    return Choice(used, left_out), [*notes, *doubts]


def _numbering(frame: pl.DataFrame, columns: Sequence[Column]) -> tuple[dict[str, str], list[str]]:
    """Return the columns that number the rows, and notes on those that perhaps number something."""
    names = [column.name for column in columns if column.kind == "number" and column.format is None]
    if frame.height <= IDENTIFIER_ROWS or not names:
        return {}, []
    numbers = frame.select(pl.col(names).cast(pl.Float64))
    whole = numbers.select((pl.all() == pl.all().floor()).all() & (pl.all().null_count() == 0)).row(0)
    names = [name for name, is_whole in zip(names, whole, strict=True) if is_whole]
    if not names:
        return {}, []
    numbers = numbers.select(names)
    different, low, high = (
        numbers.select(expression).row(0)
        for expression in (pl.all().n_unique(), pl.all().min(), pl.all().max())
    )
    left_out: dict[str, str] = {}
    maybe: list[str] = []
    codes: list[str] = []
    for name, unique, least, most in zip(names, different, low, high, strict=True):
        all_differ = unique == frame.height
        counts = all_differ and most - least == frame.height - 1
        named = IDENTIFIER.fullmatch(name) or IDENTIFIER_IN_CAMEL_CASE.fullmatch(name)
        if counts and least in (0, 1):
            left_out[name] = f"it numbers the rows from {least:.0f}; {option('--number', name)} keeps it"
        elif named and unique >= NEARLY_ALL * frame.height:
            how_many = "all" if all_differ else "nearly all"
            left_out[name] = (
                f"it is an identifier by its name, {how_many} different; {option('--number', name)} keeps it"
            )
        elif counts or (all_differ and _is_even(numbers[name])):
            maybe.append(name)
        elif unique > 2 and CODE.fullmatch(name):
            codes.append(name)
    notes = [
        f"column {shown(name)} goes in as numbers, though they are codes by its name: "
        f"{option('--category', name)} or {option('--ignore', name)}"
        for name in codes
    ]
    if maybe:
        what = f"column {shown(maybe[0])} goes" if len(maybe) == 1 else f"columns {quoted(maybe)} go"
        notes.append(f"{what} up in equal steps: if that numbers the rows, {option('--ignore', maybe[0])}")
    return left_out, notes


def _is_even(numbers: pl.Series) -> bool:
    steps = numbers.diff().drop_nulls()
    return bool((steps == steps[0]).all())


def _copies(frame: pl.DataFrame, columns: Sequence[Column], target: str) -> tuple[dict[str, str], list[str]]:
    """Return the columns that equal the target, and a note on those that determine it in other words."""
    y = frame[target]
    if y.n_unique() < 2:
        return {}, []
    left_out: dict[str, str] = {}
    maybe: list[str] = []
    as_text = y.cast(pl.String)
    codes = as_text.rank("dense")
    numbers = y.cast(pl.Float64) if y.dtype.is_numeric() else None
    schema = frame.schema
    typed = [c.name for c in columns if schema[c.name].is_numeric()]
    if numbers is not None and typed:
        same = frame.select((pl.col(typed).cast(pl.Float64) == numbers).all(ignore_nulls=False)).row(0)
        left_out |= {name: _copy_of(target, name) for name, equal in zip(typed, same, strict=True) if equal}
        correlation = frame.select(pl.corr(pl.col(typed).cast(pl.Float64), numbers)).row(0)
        maybe += [
            name
            for name, r in zip(typed, correlation, strict=True)
            if name not in left_out and r is not None and abs(r) > NEARLY_ONE
        ]
    few = y.n_unique() < frame.height / 2
    different = dict(zip(frame.columns, frame.select(pl.all().n_unique()).row(0), strict=True)) if few else {}
    for column in columns if few else ():
        name = column.name
        if name in left_out or name in maybe or different[name] != y.n_unique():
            continue
        if schema[name] == pl.String and frame[name].equals(as_text.alias(name), null_equal=True):
            left_out[name] = _copy_of(target, name)
        elif pl.DataFrame([codes.alias("target"), frame[name].alias("column")]).n_unique() == y.n_unique():
            maybe.append(name)
    if not maybe:
        return left_out, []
    what = f"column {shown(maybe[0])} tells" if len(maybe) == 1 else f"columns {quoted(maybe)} tell"
    return left_out, [
        f"{what} {shown(target)} exactly: if it is not known in advance, {option('--ignore', maybe[0])}"
    ]


def _copy_of(target: str, name: str) -> str:
    return f"it equals the target {shown(target)} in every row; {option('--category', name)} keeps it"
