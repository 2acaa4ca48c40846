"""A column of a table: its kind, the written form of its cells, and its values."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import polars as pl

from ferroprop.cli.reading.dates import DateFormat, read_times
from ferroprop.cli.reading.missing import MissingWords, stripped
from ferroprop.cli.reading.numbers import PLAIN, NumberFormat

Kind = Literal["number", "category", "boolean", "date", "duration"]

LARGEST_WHOLE = 2**53
"""Up to this number every whole number is exact in float64."""

TRUE_AND_FALSE = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


@dataclass(frozen=True)
class Column:
    """A column, and everything needed to read it.

    Parameters
    ----------
    name : str
        Its name in the table.
    kind : {'number', 'category', 'boolean', 'date', 'duration'}
        The kind of its values. Dates and durations become numbers (days), booleans and categories text.
    format : NumberFormat, DateFormat or None
        How numbers or dates are written as text; None where they are as programs write them.
    missing : list of str
        Texts that stand for missing in this column alone.
    always_unit : bool
        Whether each number of the training table had the unit of the format; models before do not say.
    zoned : bool or None
        Whether the dates of the training table had a time zone; None if only the format says so, or nothing.
    """

    name: str
    kind: Kind
    format: NumberFormat | DateFormat | None = None
    missing: list[str] = field(default_factory=list)
    always_unit: bool = False
    zoned: bool | None = None

    @property
    def has_zone(self) -> bool | None:
        """Whether its dates have a time zone; None if that is not known, or some have one.

        Examples
        --------
        >>> Column("day", "date", DateFormat(["%Y-%m-%d %H:%M%z"])).has_zone
        True
        """
        return self.date_format.has_zone if self.zoned is None else self.zoned

    @property
    def is_numeric(self) -> bool:
        """Whether the column is a number for the network; otherwise each category is an input."""
        return self.kind in ("number", "date", "duration")

    @property
    def number_format(self) -> NumberFormat:
        """The written form of its numbers."""
        return self.format if isinstance(self.format, NumberFormat) else PLAIN

    @property
    def date_format(self) -> DateFormat:
        """The written form of its dates."""
        return self.format if isinstance(self.format, DateFormat) else DateFormat()

    def read(self, texts: pl.Series, words: MissingWords) -> tuple[pl.Series, pl.Series]:
        """Return the values of cells that are text, and which of them cannot be read.

        Parameters
        ----------
        texts : polars.Series of String
            The cells.
        words : MissingWords
            The texts that stand for missing values.

        Returns
        -------
        values : polars.Series
            Float64, Datetime, Duration, Boolean or, for categories, String without the blanks around; null
            where missing.
        strays : polars.Series of bool
            Whether a text is neither a value of this kind nor one that stands for missing.

        Examples
        --------
        >>> size = Column("size", "number", NumberFormat(","))
        >>> values, strays = size.read(pl.Series(["1,5", "NA", "big"]), MissingWords())
        >>> values.to_list(), strays.to_list()
        ([1.5, None, None], [False, False, True])
        """
        texts = stripped(texts)
        texts = texts.set(texts.is_in(words.of(self.kind, self.missing)), None)
        values = self._values(texts)
        return values.alias(texts.name), values.is_null() & texts.is_not_null()

    def _values(self, texts: pl.Series) -> pl.Series:
        match self.kind:
            case "number":
                return self.number_format.read(texts).fill_nan(None)
            case "date":
                return self.date_format.read(texts)
            case "duration":
                return read_times(texts)
            case "boolean":
                return texts.str.to_lowercase().replace_strict(
                    TRUE_AND_FALSE, default=None, return_dtype=pl.Boolean
                )
            case _:
                return texts

    def to_plain(self) -> dict[str, Any]:
        """Return the column as plain values, defaults omitted.

        Examples
        --------
        >>> Column("size", "number", NumberFormat(",")).to_plain()
        {'name': 'size', 'kind': 'number', 'decimal': ','}
        """
        plain: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if isinstance(self.format, NumberFormat):
            plain |= {
                name: value for name, value in vars(self.format).items() if value != getattr(PLAIN, name)
            }
        if isinstance(self.format, DateFormat):
            plain["formats"] = list(self.format.formats)
        if self.missing:
            plain["missing"] = list(self.missing)
        if self.always_unit:
            plain["always_unit"] = True
        if self.zoned is not None:
            plain["zoned"] = self.zoned
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Column":
        """Return the column from the values of `to_plain`.

        Raises
        ------
        ValueError
            If the values have another form.

        Examples
        --------
        >>> Column.from_plain({"name": "day", "kind": "date", "formats": ["%d.%m.%Y"]}).date_format
        DateFormat(formats=['%d.%m.%Y'])
        """
        if plain["kind"] not in get_args(Kind):
            raise ValueError("a known kind")
        number = {name: str(plain[name]) for name in vars(PLAIN) if name in plain}
        formats = plain.get("formats")
        return cls(
            str(plain["name"]),
            plain["kind"],
            NumberFormat(**number) if number else DateFormat([str(f) for f in formats]) if formats else None,
            [str(word) for word in plain.get("missing", [])],
            always_unit=plain.get("always_unit") is True,
            zoned=plain["zoned"] is True if "zoned" in plain else None,
        )


def kind_of(dtype: pl.DataType) -> Kind | None:
    """Return the kind of a column that already has a type; None if a table cannot have that type."""
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype in (pl.Date, pl.Datetime):
        return "date"
    if dtype in (pl.Time, pl.Duration):
        return "duration"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "category"
    return None


def zone_of(dtype: pl.DataType) -> bool | None:
    """Return whether a type of dates has a time zone; None if it is no type of dates.

    Examples
    --------
    >>> zone_of(pl.Datetime("us", "Europe/Berlin")), zone_of(pl.Date()), zone_of(pl.String())
    (True, False, None)
    """
    if kind_of(dtype) != "date":
        return None
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is not None


def as_text(series: pl.Series) -> pl.Series:
    """Return typed values as text, whole floats without a decimal point; null where missing.

    Examples
    --------
    >>> as_text(pl.Series([1.0, float("nan"), 3.0])).to_list()
    ['1', None, '3']
    """
    if series.dtype.is_float():
        series = series.fill_nan(None)
        if bool((series == series.floor()).all()) and bool((series.abs() < LARGEST_WHOLE).all()):
            series = series.cast(pl.Int64)
    return series.cast(pl.String)
