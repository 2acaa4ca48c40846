"""The form of a request: rows as JSON objects, as the model's card describes its columns."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, NotRequired

import polars as pl
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.types import FailFast
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ferroprop.cli.card import Card
from ferroprop.cli.columns import LARGEST_NUMBER
from ferroprop.cli.reading.column import LARGEST_WHOLE, Column, Kind
from ferroprop.cli.reading.dates import TIME_FORMS, DateFormat
from ferroprop.cli.wording import shown, suggestion

MOST_QUANTILES = 100
MOST_FAULTS = 20
"""The most faults of a row that are told."""

_STRICT = ConfigDict(extra="allow", strict=True)
"""Names that the model does not know are kept, and refused here: pydantic would list all there are."""

EXPECTED: dict[Kind, str] = {
    "number": "a number up to 1e100, or null",
    "category": "a text, a number, true, false or null",
    "boolean": "true, false or null",
    "date": "a date as text, or null",
    "duration": "a time as text, such as 08:30 or 08:30:15, or null",
}
"""What a cell can be; null is a missing value."""

_CELLS: dict[Kind, Any] = {
    "number": Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)] | None,
    "category": str | int | Annotated[float, Field(allow_inf_nan=False)] | bool | None,  # NaN is not JSON
    "boolean": bool | None,
    "date": str | None,
    "duration": str | None,
}

_DTYPES: dict[Kind, Any] = {"number": pl.Float64, "boolean": pl.Boolean}

ISO_8601 = [
    f"%Y-%m-%d{f'{between}{time}' if time else ''}" for time in TIME_FORMS.values() for between in " T"
]
"""The forms of a date that every column of dates takes, after its own."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a request.

    Parameters
    ----------
    place : tuple of str or int
        The way to it in the body, such as ``("rows", 3, "age")``.
    message : str
        One line: row, column, what came and what was expected.
    """

    place: tuple[str | int, ...]
    message: str


class Unreadable(Exception):  # noqa: N818
    """A request that is not of the form of `Form`.

    Parameters
    ----------
    faults : list of Fault
        What is wrong, of the first row that has a fault.
    """

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults[0].message)
        self.faults = faults


@dataclass(frozen=True)
class Asked:
    """The rows of a request, and the quantiles it asks for, each once."""

    rows: pl.DataFrame
    quantiles: list[float]


class Form:
    """The form of the requests of a model.

    Parameters
    ----------
    card : Card
        The model's card.
    most_rows : int
        The most rows of a request.
    has_quantiles : bool
        Whether the model predicts quantiles.
    """

    def __init__(self, card: Card, most_rows: int, *, has_quantiles: bool) -> None:
        self.columns = [_taking_iso_dates(column) for column in card.columns]
        self._by_name = {column.name: column for column in card.columns}
        self._ignored = {name for name in (card.target, *card.left_out) if name not in self._by_name}
        self._most_rows, self._has_quantiles = most_rows, has_quantiles
        fields: dict[str, Any] = {column.name: _field(column) for column in card.columns}
        for name in sorted(self._ignored):
            about = "The target." if name == card.target else f"Not used: {card.left_out[name]}."
            fields[name] = NotRequired[Annotated[Any, Field(description=about)]]
        self._adapter = TypeAdapter(_request(fields, most_rows, has_quantiles=has_quantiles))

    def schema(self, template: str) -> dict[str, Any]:
        """Return the JSON schema, with its definitions under ``$defs``."""
        schema = self._adapter.json_schema(ref_template=template)
        for one in (schema, schema["$defs"]["Row"]):
            one["additionalProperties"] = False
        return schema

    def read(self, body: bytes) -> Asked:
        """Return the rows of a body.

        Raises
        ------
        Unreadable
            If the body is not JSON, or not of this form.
        """
        try:
            given = self._adapter.validate_json(body, strict=True)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_context=False)
            # A category has an error for each kind of value that it could be.
            faults = {fault.place: fault for fault in map(self._fault, errors)}
            raise Unreadable(list(faults.values())) from None
        rows = given["rows"]
        unknown = self._unknown(given)
        if unknown:
            raise Unreadable(unknown)
        columns = [
            pl.Series(column.name, [_cell(row[column.name]) for row in rows], pl.String)
            if column.kind == "category"
            else pl.Series(
                column.name, [row[column.name] for row in rows], _DTYPES.get(column.kind, pl.String)
            )
            for column in self.columns
        ]
        return Asked(pl.DataFrame(columns), list(dict.fromkeys(given.get("quantiles", []))))

    def _unknown(self, given: dict[str, Any]) -> list[Fault]:
        """Return the first names that are no part of a request, and those of the first row that has some."""
        for name in given.keys() - {"rows", "quantiles" if self._has_quantiles else "rows"}:
            if name == "quantiles":
                return [Fault((name,), "quantiles: this model predicts none")]
            return [Fault((name,), f"{shown(name)} is no part of a request; expected 'rows'")]
        known = self._by_name.keys() | self._ignored
        for place, row in enumerate(given["rows"]):
            if len(row) > len(self._by_name) and (unknown := row.keys() - known):
                return [
                    Fault(
                        ("rows", place, name),
                        f"rows[{place}]: column {shown(name)} is none of the model's; "
                        f"{suggestion(name, self._by_name)}",
                    )
                    for name in sorted(unknown)[:MOST_FAULTS]
                ]
        return []

    def _fault(self, error: Any) -> Fault:
        """Return what is wrong in our words; pydantic knows nothing of rows and columns."""
        place: tuple[Any, ...] = error["loc"]
        kind, came = error["type"], error["input"]
        if kind == "json_invalid":
            return Fault((), f"the body must be JSON: {error['msg'].removeprefix('Invalid JSON: ')}")
        match place:
            case ("rows", int() as row, str() as name, *_):
                where = f"rows[{row}]: column {shown(name)}"
                if kind == "missing":
                    return Fault(place[:3], f"{where} is not there; null says that its value is missing")
                expected = EXPECTED[self._by_name[name].kind]
                return Fault(place[:3], f"{where} got {_shown(came)}; expected {expected}")
            case ("rows", int() as row):
                return Fault(place, f"rows[{row}]: got {_shown(came)}; expected an object of columns")
            case ("rows",) if kind == "too_long":
                return Fault(place, f"rows: got more than {self._most_rows:,}, the most rows of a request")
            case ("rows",) if kind == "too_short":
                return Fault(place, "rows: got no row; expected one or more")
            case ("rows",):
                came = "none" if kind == "missing" else _shown(came)
                return Fault(place, f"rows: got {came}; expected a list of objects, one for each row")
            case ("quantiles", *_):
                wanted = f"a list of 1 to {MOST_QUANTILES} numbers between 0 and 1"
                return Fault(place, f"quantiles: got {_shown(came)}; expected {wanted}")
        return Fault(place, f"the body: got {_shown(came)}; expected an object with 'rows'")


def _taking_iso_dates(column: Column) -> Column:
    """Return the column with the ISO's forms of dates after its own, of which none need be known."""
    if column.kind != "date":
        return column
    own = column.date_format.formats
    return replace(column, format=DateFormat([*own, *(form for form in ISO_8601 if form not in own)]))


def _field(column: Column) -> Any:
    about = {
        "number": "A number.",
        "category": "A category.",
        "boolean": "True or false.",
        "date": f"A date, as {' or '.join([*column.date_format.formats, 'in ISO 8601'])}.",
        "duration": "A time, as HH:MM or HH:MM:SS.",
    }[column.kind]
    return Annotated[_CELLS[column.kind], Field(description=f"{about} Null if it is missing.")]


def _request(fields: dict[str, Any], most_rows: int, *, has_quantiles: bool) -> Any:
    """Return the type of a request."""
    named: Any = TypedDict
    row = named("Row", fields)
    row.__pydantic_config__ = _STRICT
    # One row's faults are enough: the list of all could be larger than the memory.
    rows: Any = Annotated[list[row], Field(min_length=1, max_length=most_rows), FailFast()]  # type: ignore[valid-type]
    parts: dict[str, Any] = {"rows": Annotated[rows, Field(description="The rows to predict.")]}
    if has_quantiles:
        level = Annotated[float, Field(gt=0, lt=1)]
        levels = Annotated[list[level], Field(min_length=1, max_length=MOST_QUANTILES), FailFast()]
        about = "Probabilities: the numbers below which the target lies with each are predicted, too."
        parts["quantiles"] = NotRequired[Annotated[levels, Field(description=about)]]
    request = named("Request", parts)
    request.__pydantic_config__ = _STRICT
    return request


def _cell(value: str | float | None) -> str | None:
    """Return a category as text, as `ferroprop.cli.reading.column.as_text` does it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_WHOLE:
        value = int(value)
    return str(value)


def _shown(value: object) -> str:
    """Return a JSON value in short."""
    if isinstance(value, str):
        return shown(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return shown(value).strip("'")
