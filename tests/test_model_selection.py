"""Searches and cross-validations: scikit-learn's results, with the fits of our estimators side by side."""

import contextlib
import pickle
import signal
import subprocess
import sys
import time
import tracemalloc
import warnings

import ferroprop._core
import ferroprop.estimators._epochs
import ferroprop.estimators._fits
import ferroprop.model_selection
import joblib
import numpy as np
import pytest
import scipy.sparse
import sklearn.experimental.enable_halving_search_cv
import sklearn.model_selection
from ferroprop import (
    SGD,
    Adam,
    AdamW,
    Adaptive,
    Cosine,
    Exponential,
    InverseScaling,
    Linear,
    MLPClassifier,
    MLPRegressor,
    OneCycle,
    model_selection,
)
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris, make_regression
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, ShuffleSplit
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

THREADS = [1, 2, 7]
X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
WEIGHTS = np.linspace(0.2, 2.0, len(X))
NUMBERS, QUANTITY = make_regression(60, 4, n_informative=3, noise=1.0, random_state=0)
MLP = MLPClassifier((4,), solver="rprop", max_iter=6, random_state=0)


def assert_same(ours, theirs):
    """Compare results in every key but times."""
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        if key.startswith("param"):  # objects are clones; where a candidate has no value it is masked
            assert [str(one) for one in ours[key]] == [str(one) for one in value], key
        elif "time" not in key:
            np.testing.assert_array_equal(ours[key], value, err_msg=key)


def both(name, *arguments, fit=(), n_jobs=None, **options):
    """Return a search of ours and scikit-learn's own, fitted to the same data."""
    X, y, *metadata = fit
    ours = getattr(model_selection, name)(*arguments, n_jobs=n_jobs, **options)
    theirs = getattr(sklearn.model_selection, name)(*arguments, n_jobs=1, **options)
    for search in (ours, theirs):
        search.fit(X, y, **(metadata[0] if metadata else {}))
    assert_same(ours.cv_results_, theirs.cv_results_)
    assert str(ours.best_params_) == str(theirs.best_params_)
    assert ours.best_score_ == theirs.best_score_
    return ours, theirs


@pytest.fixture
def calls(monkeypatch):
    """How many networks each call of the core has trained."""
    counts = []

    def train_each(trainings, n_threads):
        counts.append(len(trainings))
        return ferroprop._core._train_each(trainings, n_threads)

    monkeypatch.setattr(ferroprop.estimators._epochs, "_train_each", train_each)
    return counts


SOLVERS = [
    "rprop",
    "irprop-",
    "grprop",
    "sarprop",
    "sgd",
    "adam",
    "adamw",
    "nadam",
    "rmsprop",
    "lbfgs",
    Adam(0.02),
]


@pytest.mark.parametrize("n_jobs", THREADS)
@pytest.mark.parametrize("solver", SOLVERS, ids=str)
def test_every_solver(solver, n_jobs):
    mlp = clone(MLP).set_params(solver=solver)
    grid = {"alpha": [0.0, 0.1], "hidden_layer_sizes": [(3,), (4, 2)]}
    ours, theirs = both("GridSearchCV", mlp, grid, fit=(X, y), n_jobs=n_jobs, cv=3, return_train_score=True)
    for own, their in zip(ours.best_estimator_.coefs_, theirs.best_estimator_.coefs_, strict=True):
        assert own.tobytes() == their.tobytes()


@pytest.mark.parametrize("n_jobs", THREADS)
@pytest.mark.parametrize("form", [np.asarray, np.float32, scipy.sparse.csr_array, scipy.sparse.csc_array])
@pytest.mark.parametrize("weighted", [False, True])
def test_dense_sparse_and_weights(form, weighted, n_jobs):
    metadata = {"sample_weight": WEIGHTS} if weighted else {}
    grid = [
        {"class_weight": [None, "balanced"], "solver": ["rprop", "adam"]},
        {"early_stopping": [True], "dropout": [0.0, 0.5], "scoring": [None, "loss"]},
    ]
    both("GridSearchCV", MLP, grid, fit=(form(X), y, metadata), n_jobs=n_jobs, cv=3)


@pytest.mark.parametrize("n_jobs", THREADS)
def test_pipelines(n_jobs, calls):
    pipeline = make_pipeline(StandardScaler(), MLP)
    grid = [
        {"standardscaler__with_mean": [True, False], "mlpclassifier__alpha": [0.0, 0.1]},
        {"standardscaler": [MinMaxScaler(), "passthrough"], "mlpclassifier": [MLP, LogisticRegression()]},
    ]
    weights = {"mlpclassifier__sample_weight": WEIGHTS}
    ours, _ = both("GridSearchCV", pipeline, grid[0], fit=(X, y, weights), n_jobs=n_jobs, cv=3)
    assert sum(calls) == 12
    both("GridSearchCV", pipeline, grid, fit=(X, y), n_jobs=n_jobs, cv=3)
    assert ours.best_estimator_.memory is None


@pytest.mark.parametrize("n_jobs", THREADS)
def test_regression_and_several_scores(n_jobs):
    mlp = MLPRegressor(hidden_layer_sizes=(5,), solver="rprop", max_iter=20, random_state=1)
    options = {
        "scoring": ["r2", "neg_mean_absolute_error"],
        "refit": "r2",
        "cv": ShuffleSplit(4, random_state=0),
    }
    both("GridSearchCV", mlp, {"alpha": [0, 1]}, fit=(NUMBERS, QUANTITY), n_jobs=n_jobs, **options)
    both(
        "RandomizedSearchCV",
        mlp,
        {"alpha": [0, 0.1, 1], "solver": ["rprop", "adam", "lbfgs", "lbfgs-scipy"]},
        fit=(NUMBERS, np.column_stack([QUANTITY, -QUANTITY])),
        n_jobs=n_jobs,
        n_iter=5,
        random_state=3,
    )


@pytest.mark.parametrize("n_jobs", THREADS)
@pytest.mark.parametrize("resource", [{"resource": "max_iter", "max_resources": 27}, {}])
@pytest.mark.parametrize("solver", ["rprop", "adam"])
def test_halving(solver, resource, n_jobs):
    mlp = clone(MLP).set_params(solver=solver)
    options = {"fit": (X, y), "n_jobs": n_jobs, "random_state": 0, "cv": 3, **resource}
    both("HalvingGridSearchCV", mlp, {"alpha": [0, 0.1, 1], "hidden_layer_sizes": [3, 5, 9]}, **options)
    grid = {"alpha": [0, 0.1, 1], "hidden_layer_sizes": [3, 5, 9]}
    both("HalvingRandomSearchCV", mlp, grid, n_candidates=6, **options)


@pytest.mark.parametrize("estimator", [MLP, make_pipeline(StandardScaler(), MLP)])
@pytest.mark.parametrize("changes", [{}, {"solver": "adam", "dropout": 0.3}, {"early_stopping": True}])
def test_halving_over_epochs_continues(estimator, changes, monkeypatch):
    """No epoch is trained twice, and the result is that of fits that start over."""
    epochs = []

    def train_each(trainings, n_threads):
        for *_, keywords in trainings:
            assert keywords["callback"] is None
            keywords["callback"] = lambda epoch: epochs.append(epoch.epoch)
        return ferroprop._core._train_each(trainings, n_threads)

    monkeypatch.setattr(ferroprop.estimators._epochs, "_train_each", train_each)
    prefix = "" if estimator is MLP else "mlpclassifier__"
    estimator = clone(estimator).set_params(**{f"{prefix}{name}": value for name, value in changes.items()})
    ours, _ = both(
        "HalvingGridSearchCV",
        estimator,
        {f"{prefix}alpha": [0, 0.1, 1], f"{prefix}hidden_layer_sizes": [3, 5, 9]},
        fit=(X, y),
        cv=3,
        resource=f"{prefix}max_iter",
        max_resources=9,
    )
    assert ours.n_resources_ == [1, 3, 9]
    assert len(epochs) == 3 * (9 * 1 + 3 * 2 + 1 * 6)
    assert ours.best_estimator_.get_params()[f"{prefix}checkpoint"] is None


SCHEDULES = {
    "linear": SGD(Linear(0.5, final=0.01)),
    "cosine": Adam(Cosine(0.05)),
    "one cycle": Adam(OneCycle(0.05)),
    "exponential": Adam(Exponential(0.05, 0.001)),
    "of another hyperparameter": AdamW(0.05, weight_decay=Linear(1.0)),
    "given steps": SGD(Linear(0.5, steps=40)),
    "inverse scaling": SGD(InverseScaling(0.1)),
    "adaptive": SGD(Adaptive(0.1)),
    "function": Adam(lambda step: 0.05 / (1 + step)),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_halving_over_epochs_with_schedules(name, monkeypatch):
    """Where a schedule takes its course from the number of epochs, networks start over."""
    trainings = []

    def train_each(given, n_threads):
        trainings.extend(keywords.get("checkpoint") for *_, keywords in given)
        return ferroprop._core._train_each(given, n_threads)

    monkeypatch.setattr(ferroprop.estimators._epochs, "_train_each", train_each)
    grid = {"alpha": [0.0, 0.1, 3.0], "hidden_layer_sizes": [3, 5, 9]}
    options = {"cv": 3, "resource": "max_iter", "max_resources": 9, "random_state": 0}
    both("HalvingGridSearchCV", clone(MLP).set_params(solver=SCHEDULES[name]), grid, fit=(X, y), **options)
    continues = name in ("given steps", "inverse scaling", "adaptive", "function")
    assert [checkpoint is not None for checkpoint in trainings] == [continues] * 39
    if continues:
        return
    in_a_grid = {"solver": [SCHEDULES[name]], **grid}
    both("HalvingGridSearchCV", MLP, in_a_grid, fit=(X, y), **options)


def test_halving_starts_over_where_it_must():
    """Candidates drawn twice; transformers that give something else each time; what can be seen."""
    options = {"fit": (X, y), "cv": 3, "max_resources": 9, "random_state": 0}
    drawn = {"alpha": [0.0, 0.1]}
    both("HalvingRandomSearchCV", MLP, [drawn, drawn], n_candidates=4, resource="max_iter", **options)
    pipeline = make_pipeline(Noisy(), clone(MLP).set_params(activation="tanh"))
    search = model_selection.HalvingGridSearchCV(
        pipeline,
        {"mlpclassifier__alpha": [0.0, 0.1, 1.0]},
        resource="mlpclassifier__max_iter",
        max_resources=9,
        cv=3,
        error_score="raise",
    )
    assert search.fit(X, y).n_iterations_ == 2
    told = []
    watched = clone(MLP).set_params(callback=lambda epoch: told.append(epoch.epoch))
    both("HalvingGridSearchCV", watched, {"alpha": [0.0, 0.1, 1.0]}, resource="max_iter", **options)
    assert len(told) == 2 * (3 * 3 * 3 + 3 * 9 + 9)


@pytest.mark.parametrize("n_jobs", THREADS)
@pytest.mark.parametrize("estimator", [MLP, make_pipeline(StandardScaler(), MLP), LogisticRegression()])
def test_functions(estimator, n_jobs):
    groups = np.arange(len(X)) % 7

    def run(name, *arguments, **options):
        results = [
            getattr(module, name)(estimator, X, y, *arguments, n_jobs=jobs, **options)
            for module, jobs in ((model_selection, n_jobs), (sklearn.model_selection, 1))
        ]
        for result in results:
            if isinstance(result, dict):
                result.pop("estimator", None)
        return results

    options = {"cv": GroupKFold(4), "groups": groups, "return_train_score": True, "return_indices": True}
    ours, theirs = run("cross_validate", return_estimator=True, **options)
    for key in theirs.keys() - {"fit_time", "score_time", "indices"}:
        np.testing.assert_array_equal(ours[key], theirs[key])
    for name, options in {
        "cross_val_score": {"scoring": "neg_log_loss"},
        "cross_val_predict": {"method": "predict_proba"},
    }.items():
        np.testing.assert_array_equal(*run(name, **options))
    name = "C" if isinstance(estimator, LogisticRegression) else "alpha"
    name = name if estimator in (MLP,) or name == "C" else "mlpclassifier__alpha"
    curve = {"param_name": name, "param_range": [0.1, 1.0]}
    for name, options in {
        "validation_curve": curve,
        "learning_curve": {"train_sizes": [0.3, 1.0], "shuffle": True, "random_state": 0},
    }.items():
        for ours, theirs in zip(*run(name, **options), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_incremental_learning_curve():
    mlp = clone(MLP).set_params(solver="sgd")
    options = {"cv": 3, "exploit_incremental_learning": True, "train_sizes": [0.5, 1.0]}
    for ours, theirs in zip(
        model_selection.learning_curve(mlp, X, y, **options),
        sklearn.model_selection.learning_curve(mlp, X, y, **options),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


# Execution ------------------------------------------------------------------------------------------------


def test_fits_are_trained_together(calls):
    search = model_selection.GridSearchCV(MLP, {"alpha": [0.0, 0.1, 0.2]}, cv=5, refit=False)
    search.fit(X, y)
    assert calls == [15]
    with pytest.raises(AttributeError):
        _ = MLP.coefs_


class Counting(TransformerMixin, BaseEstimator):
    """Counts its fits."""

    fits = 0

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        """Count."""
        type(self).fits += 1
        return self

    def transform(self, X):
        """Multiply."""
        return X * self.factor


@pytest.mark.parametrize("solver", ["rprop", "adam", "sgd"])
def test_a_fit_that_the_core_refuses_fails_alone(solver):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 5))
    y = X[:, 0]  # below 0, which a Poisson loss cannot have
    mlp = MLPRegressor((4,), solver=solver, max_iter=3, random_state=0)
    found = []
    for module in (ferroprop.model_selection, sklearn.model_selection):
        search = module.GridSearchCV(mlp, {"loss": ["squared_error", "poisson"]}, cv=3, refit=False)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            search.fit(X, y)
        assert any("from 0 on" in str(one.message) or "poisson" in str(one.message).lower() for one in told)
        found.append(search.cv_results_)
    assert np.isnan(found[0]["mean_test_score"]).tolist() == [False, True]
    assert_same(*found)


@pytest.mark.parametrize("train", [[], np.arange(60)[:, None]], ids=["none", "no list"])
def test_splits_without_a_list_of_rows_are_refused_in_scikit_learns_words(train):
    X, y = np.random.default_rng(0).normal(size=(90, 5)), np.arange(90) % 2
    cv = [(np.asarray(train, dtype=int), np.arange(60, 90))]
    messages = []
    for module in (ferroprop.model_selection, sklearn.model_selection):
        with pytest.raises(ValueError, match="Found array with") as error:
            module.cross_val_score(MLPClassifier((2,), max_iter=2), X, y, cv=cv, error_score="raise")
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("form", [range, lambda first, end: tuple(range(first, end)), slice])
def test_splits_of_other_forms_are_those_of_scikit_learn(form):
    splits = [(form(0, 100), form(100, 150)), (form(50, 150), form(0, 50))]
    results = []
    for module in (ferroprop.model_selection, sklearn.model_selection):
        try:
            results.append(module.cross_validate(MLP, X, y, cv=splits, return_train_score=True))
        except ValueError as error:
            results.append({"error": [str(error)]})
    assert_same(*results)
    assert ("error" in results[0]) == (form is slice)


@pytest.mark.parametrize("n_jobs", [1, 3, 8])
def test_many_rows_are_not_copied(n_jobs, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 60))
    y = (X[:, 0] > 0).astype(int)
    mlp = MLPClassifier((2,), solver="rprop", max_iter=2, random_state=0)

    def scores() -> tuple[list[float], float]:
        tracemalloc.start()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = ferroprop.model_selection.cross_val_score(mlp, X, y, cv=8, n_jobs=n_jobs)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found.tolist(), peak / X.nbytes

    monkeypatch.setattr(ferroprop.estimators._fits, "_MOST_COPIED", 1 << 30)
    expected, much = scores()
    monkeypatch.setattr(ferroprop.estimators._fits, "_MOST_COPIED", 0)
    found, little = scores()
    assert found == expected
    # targets for as many fits as there are threads, the rows to score, and numbers of rows
    assert little < (1 if n_jobs < 8 else 2) < 7 < much
    for random_state in (0, None):  # in the order of the splits; in that of the candidates, because they draw
        searched = clone(mlp).set_params(random_state=random_state)
        ours, theirs = (
            module.GridSearchCV(searched, {"alpha": [0.0, 1e-3, 1.0]}, cv=5, n_jobs=n, refit=False)
            for module, n in ((ferroprop.model_selection, n_jobs), (sklearn.model_selection, 1))
        )
        for search in (ours, theirs):
            np.random.seed(1)  # noqa: NPY002
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                search.fit(X[:300], y[:300])
        assert_same(ours.cv_results_, theirs.cv_results_)


@pytest.mark.parametrize(
    ("data", "in_place"),
    [
        ((X, y), True),
        ((X.astype(np.float32), y), True),
        ((X, (y == 1).astype(float)), True),
        ((X, np.column_stack([y == 1, y > 0]).astype(int)), True),
        ((X, np.array(["a", "b", "c"])[y]), False),
        ((X.tolist(), y), False),
        ((scipy.sparse.csr_array(X), y), False),
        ((X, y, {"sample_weight": WEIGHTS}), False),
    ],
)
@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
def test_rows_in_place_change_nothing(solver, data, in_place, monkeypatch):
    monkeypatch.setattr(ferroprop.estimators._fits, "_MOST_COPIED", 0)
    listed = []

    def train_each(trainings, n_threads):
        listed.extend("rows" in keywords for _, keywords in trainings)
        return ferroprop._core._train_each(trainings, n_threads)

    monkeypatch.setattr(ferroprop.estimators._epochs, "_train_each", train_each)
    mlp = clone(MLP).set_params(solver=solver, batch_size=40)
    grid = {"early_stopping": [False, True], "shuffle": [True, False, "blocks"], "alpha": [0.0, 0.1]}
    cv = ShuffleSplit(3, random_state=0)
    both("GridSearchCV", mlp, grid, cv=cv, fit=data, n_jobs=2, return_train_score=True, refit=False)
    assert set(listed) == (set() if solver == "lbfgs" else {in_place})


def test_rows_of_all_kinds_of_splits_are_in_place_or_not(monkeypatch):
    monkeypatch.setattr(ferroprop.estimators._fits, "_MOST_COPIED", 0)
    rows = np.arange(len(X))
    for train, test in (
        (rows[::2], rows[1::2]),
        (rows[::2].tolist(), rows[1::2].tolist()),
        (rows % 2 == 0, rows % 2 == 1),
        (rows[::2] - len(X), rows[1::2]),
        (np.repeat(rows[::3], 2), rows[:1]),
    ):
        found = [
            module.cross_val_score(MLP, X, y, cv=[(train, test)]).tolist()
            for module in (model_selection, sklearn.model_selection)
        ]
        assert found[0] == found[1]


def test_labels_are_looked_at_once_per_split(monkeypatch):
    looked_at = []
    fitted = ferroprop.estimators._label_encoding.fitted
    monkeypatch.setattr(
        ferroprop.estimators._label_encoding, "fitted", lambda y: looked_at.append(len(y)) or fitted(y)
    )
    search = model_selection.GridSearchCV(
        MLP, {"alpha": [0.0, 0.1, 0.2]}, cv=5, refit=False, return_estimators=True
    )
    search.fit(X, y)
    assert looked_at == [120] * 5
    one, other = (kept[0] for kept in search.estimators_[:2])
    one.classes_[0] = 7  # each has labels of its own
    assert other.classes_[0] == other._label_binarizer.classes_[0] == 0


@pytest.mark.parametrize("factors", [[1.0], [1, 1.0, 2.0]])
@pytest.mark.parametrize("most_copied", [None, 0])
def test_transformers_are_fitted_once_per_split_and_setting(factors, most_copied, monkeypatch):
    if most_copied is not None:  # the splits one after the other
        monkeypatch.setattr(ferroprop.estimators._fits, "_MOST_COPIED", most_copied)
    Counting.fits = 0
    pipeline = make_pipeline(Counting(), MLP)
    grid = {"counting__factor": factors, "mlpclassifier__alpha": [0.0, 0.1, 0.2, 0.3]}
    options = {"cv": 3, "n_jobs": 2, "refit": False, "return_estimators": True}
    search = model_selection.GridSearchCV(pipeline, grid, **options).fit(X, y)
    assert Counting.fits == 3 * len(factors)
    assert all(estimator.memory is None for kept in search.estimators_ for estimator in kept)


def double(X):
    """Change an array in place."""
    X *= 2.0
    return X


class Doubling(Counting):
    """Changes its input in place, though its parameters do not say so."""

    def transform(self, X):
        """Double."""
        return double(X)


IN_PLACE = {
    "scaler": [StandardScaler(copy=False)],
    "range": [MinMaxScaler(copy=False)],
    "function": [FunctionTransformer(double)],
    "after another": [StandardScaler(), FunctionTransformer(double)],
    "own class": [Doubling()],
    "own class after another": [StandardScaler(), Doubling()],
    "in columns": [ColumnTransformer([("all", StandardScaler(copy=False), slice(0, 4))])],
}


@pytest.mark.parametrize("steps", IN_PLACE.values(), ids=IN_PLACE)
@pytest.mark.parametrize("memory", [False, True])
def test_transformers_that_change_their_input_in_place(steps, memory, tmp_path):
    rows, labels = load_iris(return_X_y=True)
    options = {"scoring": ["accuracy", "neg_log_loss"], "refit": False, "cv": 3}
    # scikit-learn scores training rows as they are after the fit: changed twice
    options["return_train_score"] = not isinstance(steps[-1], Doubling)
    results = []
    for module in (model_selection, sklearn.model_selection):
        folder = str(tmp_path / module.__name__) if memory else None
        pipeline = make_pipeline(*steps, MLP, memory=folder)
        search = module.GridSearchCV(pipeline, {"mlpclassifier__alpha": [0.0, 0.1, 1.0]}, **options)
        predicted = module.cross_val_predict(pipeline, rows, labels, cv=3)
        results.append((search.fit(rows, labels).cv_results_, predicted))
    assert_same(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
    np.testing.assert_array_equal(rows, load_iris().data)


class Noisy(Counting):
    """Draws from a generator that it may share."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def transform(self, X):
        """Add noise."""
        rng = (
            np.random.mtrand._rand if self.random_state is None else np.random.RandomState(self.random_state)
        )
        return X + rng.normal(size=X.shape)


@pytest.mark.parametrize(("random_state", "fits"), [(None, 12), (0, 3)])
def test_a_transformer_that_draws_is_fitted_each_time(random_state, fits):
    pipeline = make_pipeline(Noisy(random_state), MLP)
    Counting.fits = Noisy.fits = 0
    grid = {"mlpclassifier__alpha": [0.0, 0.1, 0.2, 0.3]}
    model_selection.GridSearchCV(pipeline, grid, cv=3, refit=False).fit(X, y)
    assert Noisy.fits == fits


@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
def test_draws_from_the_global_generator_are_in_order(solver):
    mlp = clone(MLP).set_params(random_state=None, solver=solver)
    results = []
    for module in (model_selection, sklearn.model_selection):
        np.random.seed(3)  # noqa: NPY002
        grid = [{"alpha": [0.0, 0.1]}, {"solver": ["rprop", "adam"]}]
        results.append(module.GridSearchCV(mlp, grid, cv=3).fit(X, y).cv_results_)
    assert_same(*results)


@pytest.mark.parametrize("random_state", [np.random.RandomState(5), None])
@pytest.mark.parametrize("module", [model_selection, sklearn.model_selection])
def test_a_generator_of_the_callers_ends_in_the_same_state(random_state, module):
    rng = None if random_state is None else np.random.RandomState(5)
    search = module.GridSearchCV(clone(MLP).set_params(random_state=rng), {"alpha": [0.0, 0.1]}, cv=3)
    search.fit(X, y)
    if rng is not None:
        assert rng.randint(1000) == np.random.RandomState(5).randint(1000)


def test_callbacks_of_the_callers_are_called_in_order():
    seen = {}
    for module in (model_selection, sklearn.model_selection):
        told = seen.setdefault(module, [])
        mlp = clone(MLP).set_params(callback=lambda epoch, told=told: told.append((epoch.epoch, epoch.loss)))
        module.GridSearchCV(mlp, {"alpha": [0.0, 0.1]}, cv=3).fit(X, y)
    assert seen[model_selection] == seen[sklearn.model_selection]


def test_a_search_without_callbacks_calls_none(monkeypatch):
    """Not even in every epoch of a fit, to find that there are none."""
    callbacks = []

    def train(*arguments, **options):
        callbacks.append(options["callback"])
        return ferroprop._core.train(*arguments, **options)

    monkeypatch.setattr(ferroprop.estimators._epochs, "train", train)
    sklearn.model_selection.GridSearchCV(MLP, {"alpha": [0.0, 0.1]}, cv=3).fit(X, y)
    assert callbacks == [None] * 7


def test_own_scorers_and_losses():
    def score(estimator, X, y):
        return -float(np.abs(estimator.predict_proba(X)).sum() + len(estimator.loss_curve_))

    both("GridSearchCV", MLP, {"alpha": [0.0, 0.1], "scoring": [None, "accuracy"]}, fit=(X, y), scoring=score)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_candidates_that_fail(calls):
    grid = {"alpha": [0.1, -1.0], "hidden_layer_sizes": [(3,), (-3,)]}
    with pytest.warns(FitFailedWarning, match=r"\n9 fits failed out of a total of 12"):
        both("GridSearchCV", MLP, grid, fit=(X, y), cv=3)
    assert calls == [3]
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        model_selection.GridSearchCV(MLP, grid, cv=3, error_score="raise").fit(X, y)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_candidates_whose_training_fails():
    """The core refuses targets of this loss: of all fits together, and then of each alone."""
    mlp = MLPRegressor(hidden_layer_sizes=(3,), solver="rprop", max_iter=3, random_state=0)
    grid = {"loss": ["squared_error", "poisson"]}
    with pytest.warns(FitFailedWarning):
        both("GridSearchCV", mlp, grid, fit=(NUMBERS, QUANTITY), cv=3)


def test_candidates_that_diverge():
    mlp = MLPRegressor(
        hidden_layer_sizes=(3,),
        solver="sgd",
        max_iter=30,
        random_state=0,
        learning_rate_init=1e6,
        activation="identity",
    )
    with warnings.catch_warnings(record=True) as ours:
        warnings.simplefilter("always")
        model_selection.cross_val_score(mlp, NUMBERS, QUANTITY, cv=3)
    with warnings.catch_warnings(record=True) as theirs:
        warnings.simplefilter("always")
        sklearn.model_selection.cross_val_score(mlp, NUMBERS, QUANTITY, cv=3)
    assert sorted(str(one.category) for one in ours) == sorted(str(one.category) for one in theirs)


def test_warnings_are_those_of_the_fits():
    counts = []
    for module in (model_selection, sklearn.model_selection):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            module.GridSearchCV(MLP, {"alpha": [0.0, 0.1]}, cv=3).fit(X, y)
        counts.append([str(one.message) for one in caught if one.category is ConvergenceWarning])
    assert counts[0] == counts[1]
    assert len(counts[0]) == 7


def test_return_estimators():
    search = model_selection.GridSearchCV(MLP, {"alpha": [0.0, 0.1]}, cv=3, return_estimators=True).fit(X, y)
    assert [[one.alpha for one in kept] for kept in search.estimators_] == [[0.0] * 3, [0.1] * 3]
    splits = list(sklearn.model_selection.StratifiedKFold(3).split(X, y))
    for candidate, kept in enumerate(search.estimators_):
        for split, estimator in enumerate(kept):
            test = splits[split][1]
            expected = search.cv_results_[f"split{split}_test_score"][candidate]
            assert estimator.score(X[test], y[test]) == expected
            assert "fit" not in vars(estimator)
    search.set_params(return_estimators=False).fit(X, y)
    assert not hasattr(search, "estimators_")
    mixed = {"mlp": [MLP, LogisticRegression()]}
    pipeline = sklearn.pipeline.Pipeline([("mlp", MLP)])
    search = model_selection.GridSearchCV(pipeline, mixed, cv=3, return_estimators=True).fit(X, y)
    assert [[type(one[-1]) for one in kept] for kept in search.estimators_] == [
        [MLPClassifier] * 3,
        [LogisticRegression] * 3,
    ]


def test_a_search_is_cloned_pickled_and_nested():
    search = model_selection.GridSearchCV(MLP, {"alpha": [0.0, 0.1]}, cv=2, return_estimators=True)
    assert clone(search).get_params()["return_estimators"] is True
    again = pickle.loads(pickle.dumps(search.fit(X, y)))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))
    theirs = sklearn.model_selection.GridSearchCV(MLP, {"alpha": [0.0, 0.1]}, cv=2)
    np.testing.assert_array_equal(
        model_selection.cross_val_score(search, X, y, cv=2),
        sklearn.model_selection.cross_val_score(theirs, X, y, cv=2),
    )
    assert pickle.loads(pickle.dumps(model_selection.cross_validate)) is model_selection.cross_validate


def test_verbose_says_what_scikit_learn_says(capsys):
    lines = []
    for module in (model_selection, sklearn.model_selection):
        module.GridSearchCV(MLP, {"alpha": [0.0, 0.1]}, cv=2, verbose=3, n_jobs=1).fit(X, y)
        output = capsys.readouterr().out.splitlines()
        lines.append([line.partition("total time")[0] for line in output])
    assert lines[0] == lines[1]
    assert len(lines[0]) == 5


def test_ctrl_c_ends_a_search(monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(ferroprop.estimators._epochs, "_train_each", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model_selection.GridSearchCV(MLP, {"alpha": [0.0, 0.1]}, cv=2).fit(X, y)


SEARCH = """
import sys, time, warnings
import numpy as np
from ferroprop import MLPClassifier
from ferroprop.model_selection import GridSearchCV
warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(2000, 30))
mlp = MLPClassifier((50,), solver="rprop", max_iter=10**7, tol=0, n_iter_no_change=10**7)
search = GridSearchCV(mlp, {"alpha": [0.0, 0.1]}, cv=3)
print("begins", flush=True)
try:
    search.fit(X, X[:, 0] > 0)
except KeyboardInterrupt:
    print("interrupted", hasattr(search, "cv_results_"), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process alone")
def test_a_real_ctrl_c_ends_a_search():
    search = subprocess.Popen([sys.executable, "-c", SEARCH], stdout=subprocess.PIPE, text=True)
    assert search.stdout.readline() == "begins\n"
    time.sleep(1.0)
    search.send_signal(signal.SIGINT)
    assert search.communicate(timeout=60)[0] == "interrupted False\n"
    assert search.returncode == 0


class Bar:
    """A callback that follows the search alone, as a progress bar of depth 0 does."""

    max_propagation_depth = 0

    def __init__(self, events):
        self.events = events

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.events.append(context.task_name)


def test_a_progress_bar_moves_while_networks_are_trained(monkeypatch):
    """They are trained in groups, side by side; without anybody who looks all at once."""
    events = []

    def train_each(trainings, n_threads):
        events.append(len(trainings))
        return ferroprop._core._train_each(trainings, n_threads)

    monkeypatch.setattr(ferroprop.estimators._epochs, "_train_each", train_each)
    grid = {"alpha": np.linspace(0.0, 1.0, 15).tolist()}
    search = model_selection.GridSearchCV(MLP, grid, cv=4, n_jobs=2, refit=False)
    told = clone(search).set_callbacks(Bar(events)).fit(X, y)
    groups = [event for event in events if isinstance(event, int)]
    assert groups == [3] * 20
    # the tasks of a group end before the next group begins
    tasks = [name for name in events if name not in groups and "split" in name]
    assert len(tasks) == 60
    places = [place for place, event in enumerate(events) if isinstance(event, int)]
    assert {events[place + 1 : place + 4].count(tasks[0]) for place in places} == {3}
    events.clear()
    alone = search.fit(X, y)
    assert events == [60]
    np.testing.assert_array_equal(told.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


def test_a_divergence_is_told_as_of_a_fit_alone():
    mlp = MLPRegressor(hidden_layer_sizes=(5,), solver="sgd", learning_rate_init=100.0, max_iter=1000)
    mlp.set_params(random_state=0, activation="identity", batch_size=40, n_iter_no_change=1000)
    messages = []
    for n_jobs, module in ((2, model_selection), (None, sklearn.model_selection)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RuntimeWarning)
            with contextlib.suppress(ValueError):
                module.cross_validate(mlp, NUMBERS, QUANTITY, cv=3, n_jobs=n_jobs, error_score="raise")
        messages.append({str(w.message) for w in caught if "diverged" in str(w.message)})
    assert messages[0] == messages[1]
    assert messages[0]


def test_a_time_limit_counts_from_the_beginning_of_its_fit(calls):
    """So such fits are made one after the other."""
    mlp = clone(MLP).set_params(max_time=100.0)
    model_selection.cross_validate(mlp, X, y, cv=3)
    assert calls == []


def test_jobs_that_are_no_number():
    with pytest.raises(ValueError, match="n_jobs == 0"):
        model_selection.GridSearchCV(MLP, {"alpha": [0.0, 0.1]}, cv=2, n_jobs=0).fit(X, y)


# The backend ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_the_backend_of_joblib(n_jobs, calls):
    """Meta-estimators of scikit-learn's give the same, with the trainings in one call."""
    voting = VotingClassifier(
        [("a", MLP), ("b", clone(MLP).set_params(alpha=1.0)), ("c", LogisticRegression())], voting="soft"
    )
    bagging = BaggingClassifier(MLP, n_estimators=7, random_state=0)
    search = sklearn.model_selection.GridSearchCV(MLP, {"alpha": [0.0, 0.1]}, cv=3)
    expected = [clone(one).fit(X, y) for one in (voting, bagging, search)]
    assert calls == []
    with joblib.parallel_config("ferroprop"):
        ours = [clone(one).set_params(n_jobs=n_jobs).fit(X, y) for one in (voting, bagging, search)]
    assert calls == [2, 7, 6]
    for own, their in zip(ours, expected, strict=True):
        own.n_jobs = None  # more jobs of joblib's add probabilities in another order
        np.testing.assert_array_equal(own.predict_proba(X), their.predict_proba(X))


def test_several_outputs_by_the_backend(calls):
    Y = np.column_stack([QUANTITY, -QUANTITY])
    mlp = MLPRegressor(hidden_layer_sizes=(3,), solver="rprop", max_iter=5, random_state=0)
    expected = MultiOutputRegressor(mlp).fit(NUMBERS, Y).predict(NUMBERS)
    with joblib.parallel_config("ferroprop"):
        ours = MultiOutputRegressor(mlp).fit(NUMBERS, Y)
    assert calls == [2]
    np.testing.assert_array_equal(ours.predict(NUMBERS), expected)


def test_what_is_not_ours_runs_as_elsewhere():
    with joblib.parallel_config("ferroprop"):
        assert joblib.Parallel()(joblib.delayed(divmod)(number, 3) for number in range(5)) == [
            divmod(number, 3) for number in range(5)
        ]
        with pytest.raises(ZeroDivisionError):
            joblib.Parallel()(joblib.delayed(divmod)(1, number) for number in (1, 0))
        assert list(joblib.Parallel(n_jobs=2)(joblib.delayed(divmod)(number, 3) for number in range(3))) == [
            (0, 0),
            (0, 1),
            (0, 2),
        ]


# Forests ask joblib for a number of jobs first; their predictions share memory.
FOREST = RandomForestClassifier(7, random_state=0)
FOREIGN = {
    "forest": FOREST,
    "extra trees": ExtraTreesClassifier(7, random_state=0),
    "forest with jobs": clone(FOREST).set_params(n_jobs=2),
    "voting": VotingClassifier([("a", FOREST), ("b", LogisticRegression())], voting="soft"),
    "voting with ours": VotingClassifier([("a", FOREST), ("b", MLP)], voting="soft"),
    "stacking": StackingClassifier([("a", FOREST), ("b", MLP)], LogisticRegression(), cv=3),
    "bagging of trees": BaggingClassifier(n_estimators=4, random_state=0),
    "selection by a forest": make_pipeline(SelectFromModel(FOREST), MLP),
}


@pytest.fixture
def no_processes(monkeypatch):
    """No process is started."""

    def start(*arguments, **options):
        pytest.fail("a process is started")

    monkeypatch.setattr("joblib._parallel_backends.get_memmapping_executor", start)


@pytest.mark.usefixtures("no_processes")
@pytest.mark.parametrize("estimator", FOREIGN.values(), ids=FOREIGN)
def test_estimators_of_others_in_cross_validations(estimator):
    options = {"cv": 3, "error_score": "raise"}
    expected = sklearn.model_selection.cross_val_score(estimator, X, y, **options)
    np.testing.assert_array_equal(model_selection.cross_val_score(estimator, X, y, **options), expected)
    probabilities = [
        module.cross_val_predict(estimator, X, y, cv=3, method="predict_proba")
        for module in (model_selection, sklearn.model_selection)
    ]
    np.testing.assert_allclose(*probabilities, rtol=1e-12)  # threads add in any order


@pytest.mark.parametrize("best", ["forest", "ours"])
def test_a_grid_of_forests_and_ours(best):
    pipeline = sklearn.pipeline.Pipeline([("last", MLP)])
    ours = clone(MLP).set_params(max_iter=100 if best == "ours" else 1)
    grid = [
        {"last": [clone(FOREST).set_params(max_depth=1 if best == "ours" else None)]},
        {"last": [ours, BaggingClassifier(MLP, 3, random_state=0)], "last__random_state": [0, 1]},
    ]
    search, _ = both("GridSearchCV", pipeline, grid, fit=(X, y), cv=3, error_score="raise")
    assert isinstance(search.best_estimator_[-1], RandomForestClassifier) == (best == "forest")
    kept = clone(search).set_params(return_estimators=True).fit(X, y).estimators_
    assert [len(of_candidate) for of_candidate in kept] == [3] * 5
    assert [type(of_candidate[0][-1]) for of_candidate in kept] == [
        RandomForestClassifier,
        *[MLPClassifier] * 2,
        *[BaggingClassifier] * 2,
    ]


def test_a_search_of_searches_keeps_its_own_estimators():
    inner = sklearn.model_selection.GridSearchCV(MLP, {"alpha": [0.0, 0.1]}, cv=2)
    grid = {"estimator__max_iter": [3, 6]}
    search = model_selection.GridSearchCV(inner, grid, cv=3, return_estimators=True).fit(X, y)
    assert [[type(one) for one in kept] for kept in search.estimators_] == [[type(inner)] * 3] * 2


@pytest.mark.parametrize("backend", [None, "loky", "threading"])
@pytest.mark.parametrize("n_jobs", [None, 1, 2, -1])
def test_the_number_of_jobs_is_that_of_the_backend_before(backend, n_jobs):
    forest = clone(FOREST).set_params(n_jobs=n_jobs)
    with joblib.parallel_config(backend) if backend else contextlib.nullcontext():
        expected = joblib.effective_n_jobs(n_jobs)
        with joblib.parallel_config("ferroprop"):
            assert joblib.effective_n_jobs(n_jobs) == expected
            fitted = forest.fit(X, y)
            np.testing.assert_allclose(fitted.predict_proba(X), FOREST.fit(X, y).predict_proba(X), rtol=1e-12)
        with joblib.parallel_config("ferroprop", n_jobs=1):
            assert joblib.effective_n_jobs(None) == 1


@pytest.mark.parametrize("wish", [{"require": "sharedmem"}, {"prefer": "threads"}])
def test_work_of_others_that_shares_memory_stays_in_this_process(wish):
    seen = []
    with joblib.parallel_config("ferroprop"):
        joblib.Parallel(n_jobs=2, **wish)(joblib.delayed(seen.append)(number) for number in range(5))
    assert sorted(seen) == list(range(5))


@pytest.mark.parametrize(
    ("told", "context", "n_threads"), [(None, {}, None), (1, {}, 1), (None, {"n_jobs": 1}, 1)]
)
def test_members_of_a_bagging_take_all_threads_unless_told(told, context, n_threads, monkeypatch):
    seen = []

    def train_each(trainings, n_threads):
        seen.append(n_threads)
        return ferroprop._core._train_each(trainings, n_threads)

    monkeypatch.setattr(ferroprop.estimators._epochs, "_train_each", train_each)
    with joblib.parallel_config("ferroprop", **context):
        BaggingClassifier(MLP, 3, n_jobs=told).fit(X, y)
    assert seen == [n_threads]
