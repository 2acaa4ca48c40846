"""Searches and ensembles: fits side by side, beside scikit-learn's search over our estimator and its own.

Each search has 48 candidates in 5 folds, 240 fits, without a refit. The ways take turns, and the median of
the wall times counts; a first round, in which worker processes start, does not. Ratios are to our search.

    python benches/searches.py
    python benches/searches.py --rounds 9 --data iris --without-sklearn
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import sklearn.ensemble
import sklearn.model_selection
import sklearn.neural_network
from ferroprop import MLPClassifier, ensemble, model_selection
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.preprocessing import StandardScaler


class Workload(NamedTuple):
    """A data set, and the networks that are fitted to it."""

    load: Callable[..., Any]
    hidden: int
    epochs: int
    floor: float
    """How many times as fast as scikit-learn's search over our estimator with n_jobs=1 it is to be."""


WORKLOADS = {
    "iris": Workload(load_iris, 10, 200, 10.0),
    "breast cancer": Workload(load_breast_cancer, 32, 50, 3.0),
    "digits": Workload(load_digits, 32, 20, 2.1),
}
FLOOR_OF_SKLEARN = 12.0
GRID = {
    "activation": ["tanh", "relu", "logistic"],
    "alpha": [0.0, 1e-4, 1e-2, 1.0],
    "random_state": [0, 1, 2, 3],
}


def options(workload: Workload) -> dict[str, Any]:
    """Return the parameters that both estimators have: all epochs are trained."""
    return {
        "hidden_layer_sizes": (workload.hidden,),
        "max_iter": workload.epochs,
        "tol": 0.0,
        "n_iter_no_change": 10**6,
    }


def medians(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each way; the ways take turns."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(rounds + 1):
        for way, run in ways.items():
            start = time.perf_counter()
            run()
            if turn:
                times[way].append(time.perf_counter() - start)
    return {way: float(np.median(seconds)) for way, seconds in times.items()}


def searches(workload: Workload, rounds: int, *, with_sklearn: bool) -> None:
    """Measure searches on one data set."""
    X, y = workload.load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    ours = MLPClassifier(solver="irprop-", **options(workload))
    theirs = sklearn.neural_network.MLPClassifier(solver="adam", batch_size=len(X), **options(workload))

    def search(module: Any, estimator: Any, n_jobs: int) -> Callable[[], Any]:
        return lambda: module.GridSearchCV(estimator, GRID, cv=5, refit=False, n_jobs=n_jobs).fit(X, y)

    ways = {
        "ferroprop's search, 2 threads": search(model_selection, ours, 2),
        "ferroprop's search, 1 thread": search(model_selection, ours, 1),
        "scikit-learn's, our estimator, n_jobs=1": search(sklearn.model_selection, ours, 1),
    }
    if with_sklearn:
        ways["scikit-learn's, its MLP, n_jobs=2"] = search(sklearn.model_selection, theirs, 2)
    seconds = medians(ways, rounds)
    own = seconds["ferroprop's search, 2 threads"]
    floors = {
        "scikit-learn's, our estimator, n_jobs=1": workload.floor,
        "scikit-learn's, its MLP, n_jobs=2": FLOOR_OF_SKLEARN,
    }
    for way, median in seconds.items():
        floor = f"   to be {floors[way]:g}" if way in floors else ""
        print(f"    {way:42}{median:9.3f} s{median / own:8.2f}{floor}")


def one_row(rounds: int) -> None:
    """Measure the prediction of one row by an ensemble of 50."""
    X, y = load_iris(return_X_y=True)
    member = MLPClassifier((10,), solver="irprop-", max_iter=50)
    ours = ensemble.BaggingClassifier(member, n_estimators=50, random_state=0).fit(X, y)
    theirs = sklearn.ensemble.BaggingClassifier(member, n_estimators=50, random_state=0).fit(X, y)
    row = X[:1]
    assert np.array_equal(ours.predict_proba(row), theirs.predict_proba(row))
    calls = 100

    def many(one: Any) -> Callable[[], None]:
        def predict() -> None:
            for _ in range(calls):
                one.predict_proba(row)

        return predict

    seconds = medians({"ferroprop's bagging": many(ours), "scikit-learn's bagging": many(theirs)}, rounds)
    for way, median in seconds.items():
        floor = "   to be at most 100" if way.startswith("ferroprop") else ""
        print(f"    {way:42}{1e6 * median / calls:9.1f} us{floor}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", default=",".join(WORKLOADS))
    parser.add_argument("--without-sklearn", action="store_true", help="leave out scikit-learn's own MLP")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in arguments.data.split(","):
        workload = WORKLOADS[name]
        print(f"{name}: 240 fits of {workload.epochs} epochs, {workload.hidden} hidden units")
        searches(workload, arguments.rounds, with_sklearn=not arguments.without_sklearn)
    print("one row, an ensemble of 50 networks 4-10-3")
    one_row(arguments.rounds)


if __name__ == "__main__":
    main()
