"""Ensembles: scikit-learn's bagging with its results, and the members of a cross-validation."""

import pickle
import re

import ferroprop._core
import ferroprop.estimators._epochs
import ferroprop.estimators._several_networks
import numpy as np
import pytest
import scipy.sparse
import sklearn.ensemble
from ferroprop import MLPClassifier, MLPRegressor
from ferroprop.ensemble import BaggingClassifier, BaggingRegressor, CVEnsembleClassifier, CVEnsembleRegressor
from ferroprop.estimators._several_networks import sum_in_order
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GroupKFold, ShuffleSplit, StratifiedKFold, cross_val_score
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
WEIGHTS = np.linspace(0.2, 2.0, len(X))
NUMBERS, QUANTITY = make_regression(80, 4, n_informative=3, noise=1.0, random_state=0)
MLP = MLPClassifier((4,), solver="rprop", max_iter=8, random_state=0)
REGRESSOR = MLPRegressor(hidden_layer_sizes=(4,), solver="rprop", max_iter=8, random_state=0)


@pytest.fixture
def calls(monkeypatch):
    """How many networks each call of the core has trained."""
    counts = []

    def train_each(trainings, n_threads):
        counts.append(len(trainings))
        return ferroprop._core._train_each(trainings, n_threads)

    monkeypatch.setattr(ferroprop.estimators._epochs, "_train_each", train_each)
    return counts


# Bagging --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [None, 1, 2, 7])
@pytest.mark.parametrize(
    "options", [{}, {"max_features": 0.5}, {"bootstrap_features": True}, {"oob_score": True}]
)
@pytest.mark.parametrize("solver", ["rprop", "adam"])
def test_bagging_gives_what_scikit_learn_gives(solver, options, n_jobs, calls):
    options = {"n_estimators": 30 if "oob_score" in options else 12, **options}
    members = clone(MLP).set_params(solver=solver)
    theirs = sklearn.ensemble.BaggingClassifier(members, random_state=1, **options).fit(X, y)
    assert calls == []
    ours = BaggingClassifier(members, random_state=1, n_jobs=n_jobs, **options).fit(X, y)
    assert sum(calls) == ours.n_estimators
    if len(options) == 1:
        assert calls == [12]
    ours.n_jobs = 1
    for rows in (X, X[:1], X[::2], np.asfortranarray(X), X.astype(np.float32), X.tolist()):
        np.testing.assert_array_equal(ours.predict_proba(rows), theirs.predict_proba(rows))
        np.testing.assert_array_equal(ours.predict(rows), theirs.predict(rows))
    if "oob_score" in options:
        assert ours.oob_score_ == theirs.oob_score_


@pytest.mark.parametrize("form", [np.asarray, np.float32, scipy.sparse.csr_array])
@pytest.mark.parametrize("labels", [y, y == 1, np.array(["a", "b", "c"])[y], np.zeros(len(y), int)])
def test_bagging_of_any_data(labels, form):
    rows = form(X)
    theirs = sklearn.ensemble.BaggingClassifier(MLP, random_state=1).fit(rows, labels, sample_weight=WEIGHTS)
    ours = BaggingClassifier(MLP, random_state=1).fit(rows, labels, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(ours.predict_proba(rows), theirs.predict_proba(rows))
    np.testing.assert_array_equal(ours.predict(rows), theirs.predict(rows))


@pytest.mark.parametrize("targets", [QUANTITY, np.column_stack([QUANTITY, -QUANTITY])])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bagging_of_regressors(dtype, targets, calls):
    rows = NUMBERS.astype(dtype)
    theirs = sklearn.ensemble.BaggingRegressor(REGRESSOR, random_state=1).fit(rows, targets)
    ours = BaggingRegressor(REGRESSOR, random_state=1).fit(rows, targets)
    assert calls == [10]
    for some in (rows, rows[:1]):
        predicted, expected = ours.predict(some), theirs.predict(some)
        assert predicted.dtype == expected.dtype
        np.testing.assert_array_equal(predicted, expected)


def test_bagging_of_others():
    theirs = sklearn.ensemble.BaggingClassifier(DecisionTreeClassifier(), random_state=1).fit(X, y)
    ours = BaggingClassifier(DecisionTreeClassifier(), random_state=1).fit(X, y)
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    hinge = clone(MLP).set_params(loss="hinge")
    theirs = sklearn.ensemble.BaggingClassifier(hinge, random_state=1).fit(X, y)
    np.testing.assert_array_equal(
        BaggingClassifier(hinge, random_state=1).fit(X, y).predict_proba(X), theirs.predict_proba(X)
    )


def test_a_bagging_of_trees_starts_no_processes(monkeypatch):
    def start(*arguments, **options):
        pytest.fail("a process is started")

    monkeypatch.setattr("joblib._parallel_backends.get_memmapping_executor", start)
    ours, theirs = (
        kind(random_state=0).fit(X, y).predict_proba(X)
        for kind in (BaggingClassifier, sklearn.ensemble.BaggingClassifier)
    )
    np.testing.assert_array_equal(ours, theirs)


def test_warm_start_and_refits():
    ours = BaggingClassifier(MLP, n_estimators=3, random_state=1, warm_start=True).fit(X, y)
    theirs = sklearn.ensemble.BaggingClassifier(MLP, n_estimators=3, random_state=1, warm_start=True).fit(
        X, y
    )
    for n_estimators in (3, 5):
        for one in (ours, theirs):
            one.set_params(n_estimators=n_estimators)
            if n_estimators > 3:
                one.fit(X, y)
        np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    ours.set_params(warm_start=False).fit(X, y == 1)
    assert ours.predict_proba(X).shape == (150, 2)


def changed(member, how):
    """Change a fitted member."""
    if how == "an array":
        member.coefs_[0][:] = 0.25
    elif how == "a list":
        member.coefs_ = [np.full_like(coef, 0.25) for coef in member.coefs_]
    elif how == "an element":
        member.intercepts_[0] = np.ones_like(member.intercepts_[0])
    elif how == "a parameter":
        member.set_params(activation="tanh")
    elif how == "a fit":
        member.fit(X, (y + 1) % 3)


@pytest.mark.parametrize("how", ["an array", "a list", "an element", "a parameter", "a fit"])
def test_changes_of_members_are_seen(how):
    ours = BaggingClassifier(MLP, random_state=1).fit(X, y)
    theirs = sklearn.ensemble.BaggingClassifier(MLP, random_state=1).fit(X, y)
    for _ in range(3):
        np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    before = ours.predict_proba(X)
    for place in (0, 7):
        for one in (ours, theirs):
            changed(one.estimators_[place], how)
        for _ in range(3):
            np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    assert (ours.predict_proba(X) != before).any()


def test_rows_that_are_refused():
    ours = BaggingClassifier(MLP, random_state=1).fit(X, y)
    with pytest.raises(ValueError, match="3 features"):
        ours.predict_proba(X[:, :3])
    with pytest.raises(ValueError, match="NaN"):
        ours.predict_proba(np.full((1, 4), np.nan))
    with pytest.raises(ValueError, match="0 sample"):
        ours.predict_proba(X[:0])


def test_members_predict_in_one_call(monkeypatch):
    calls = []

    def predict_each(networks, rows, n_threads):
        calls.append(len(networks))
        return ferroprop._core._predict_each(networks, rows, n_threads)

    monkeypatch.setattr(ferroprop.estimators._several_networks, "_predict_each", predict_each)
    bagging = BaggingClassifier(MLP, random_state=1, n_jobs=2).fit(X, y)
    of_folds = CVEnsembleRegressor(REGRESSOR, cv=4).fit(NUMBERS, QUANTITY)
    for some in (X[:1], X, scipy.sparse.csr_array(X)):
        bagging.predict_proba(some)
    of_folds.predict(NUMBERS)
    assert calls == [10, 10, 10, 4]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("n_rows", [1, 3, 700])
def test_one_call_predicts_as_each_network_alone(dtype, n_rows):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n_rows, 10)).view(complex) if "complex" in dtype else rng.normal(size=(n_rows, 5))
    rows = rows.astype(dtype)
    sizes = [[5, 4, 2], [5, 30, 7, 2], [5, 2]]
    networks = [
        ferroprop.Network(s, activation="tanh", output_activation="identity", dtype=dtype) for s in sizes
    ]
    expected = np.concatenate([network.predict(rows) for network in networks])
    forms = [rows, np.asfortranarray(rows), rows[::-1][::-1], rows.tolist()]
    forms += [] if np.iscomplexobj(rows) else [scipy.sparse.csr_array(rows)]
    for some in forms:
        for n_threads in (1, 2, None):
            got = ferroprop._core._predict_each(networks, some, n_threads)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("sizes", "dtypes", "rows", "message"),
    [
        ([], [], np.ones((1, 3)), "at least one Network"),
        ([[3, 2], [3, 2]], ["float32", "float64"], np.ones((1, 3)), "all of single or all of double"),
        ([[3, 2], [3, 1]], ["float64"] * 2, np.ones((1, 3)), "as many inputs and outputs"),
        ([[3, 2], [4, 2]], ["float64"] * 2, np.ones((1, 3)), "as many inputs and outputs"),
        ([[6, 4], [3, 2]], ["float64", "complex128"], np.ones((1, 6)), "of one kind"),
        ([[3, 2]], ["float64"], np.ones((1, 4)), "X must"),
        ([[3, 2]], ["float64"], np.ones((0, 3)), "X must"),
        ([[3, 2]], ["float64"], np.full((1, 3), np.nan), "X must hold finite numbers"),
    ],
)
def test_what_one_call_refuses(sizes, dtypes, rows, message):
    networks = [
        ferroprop.Network(size, output_activation="identity", activation="tanh", dtype=dtype)
        for size, dtype in zip(sizes, dtypes, strict=True)
    ]
    with pytest.raises(ValueError, match=message):
        ferroprop._core._predict_each(networks, rows, None)


def test_pickles_have_no_networks():
    ours = BaggingClassifier(MLP, random_state=1).fit(X, y)
    probabilities = ours.predict_proba(X)
    assert "_networks" in vars(ours)
    again = pickle.loads(pickle.dumps(ours))
    assert "_networks" not in vars(again)
    np.testing.assert_array_equal(again.predict_proba(X), probabilities)
    assert clone(ours).get_params()["n_estimators"] == 10


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 3), (100, 3)])
def test_sums_are_in_order(shape):
    arrays = list(np.random.default_rng(0).normal(size=(50, *shape)))
    expected = np.zeros(shape)
    for array in arrays:
        expected += array
    np.testing.assert_array_equal(sum_in_order(arrays), expected)


# Members of a cross-validation ----------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2, 7])
@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
@pytest.mark.parametrize("weight", [None, WEIGHTS])
def test_classifiers_of_a_cross_validation(weight, solver, n_jobs):
    """Each member is the fit by hand; out-of-fold predictions are theirs."""
    mlp = clone(MLP).set_params(solver=solver, max_iter=30, n_iter_no_change=3)
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    ensemble = CVEnsembleClassifier(mlp, cv=cv, n_jobs=n_jobs).fit(X, y, sample_weight=weight)
    expected = np.full((len(X), 3), np.nan)
    for member, (train, test) in zip(ensemble.estimators_, cv.split(X, y), strict=True):
        given = {} if solver == "lbfgs" else {"X_val": X[test], "y_val": y[test]}
        if given and weight is not None:
            given["sample_weight_val"] = weight[test]
        alone = clone(mlp).set_params(early_stopping=solver != "lbfgs")
        alone.fit(X[train], y[train], None if weight is None else weight[train], **given)
        assert [one.tobytes() for one in member.coefs_] == [one.tobytes() for one in alone.coefs_]
        assert member.n_iter_ == alone.n_iter_
        expected[test] = alone.predict_proba(X[test])
    np.testing.assert_array_equal(ensemble.oof_prediction_, expected)
    assert ensemble.oof_score_ == accuracy_score(y, expected.argmax(axis=1), sample_weight=weight)
    mean = sum(member.predict_proba(X) for member in ensemble.estimators_) / 4
    np.testing.assert_array_equal(ensemble.predict_proba(X), mean)
    np.testing.assert_array_equal(ensemble.predict(X), mean.argmax(axis=1))
    assert solver != "rprop" or ensemble.score(X, y) > 0.8


@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
@pytest.mark.parametrize("weight", [None, WEIGHTS])
def test_rows_in_place_change_nothing(weight, solver, monkeypatch):
    """Members that are trained on rows of one array are those that are trained on copies."""
    listed = []

    def train_each(trainings, n_threads):
        listed.extend("rows" in keywords for _, keywords in trainings)
        return ferroprop._core._train_each(trainings, n_threads)

    monkeypatch.setattr(ferroprop.estimators._epochs, "_train_each", train_each)
    for kind, mlp, rows, targets in (
        (CVEnsembleClassifier, MLP, X, y),
        (CVEnsembleRegressor, REGRESSOR, NUMBERS, QUANTITY),
    ):
        ensembles = []
        for most_copied in (1 << 26, 0):
            monkeypatch.setattr(ferroprop.estimators._fits, "_MOST_COPIED", most_copied)
            listed.clear()
            members = clone(mlp).set_params(solver=solver)
            of_rows = None if weight is None else weight[: len(rows)]
            ensembles.append(kind(members, cv=4, n_jobs=2).fit(rows, targets, of_rows))
            assert listed == ([] if solver == "lbfgs" else [most_copied == 0] * 4)
        for one, other in zip(*(ensemble.estimators_ for ensemble in ensembles), strict=True):
            assert one.loss_curve_ == other.loss_curve_
            for coef, same in zip(one.coefs_, other.coefs_, strict=True):
                np.testing.assert_array_equal(coef, same)
        np.testing.assert_array_equal(*(ensemble.oof_prediction_ for ensemble in ensembles))


def test_members_are_trained_together(calls):
    CVEnsembleClassifier(MLP).fit(X, y)
    assert calls == [5]


@pytest.mark.parametrize("targets", [QUANTITY, np.column_stack([QUANTITY, -QUANTITY])])
def test_regressors_of_a_cross_validation(targets):
    ensemble = CVEnsembleRegressor(clone(REGRESSOR).set_params(max_iter=60), cv=3).fit(NUMBERS, targets)
    assert ensemble.oof_prediction_.shape == targets.shape
    assert ensemble.oof_score_ == r2_score(targets, ensemble.oof_prediction_)
    mean = sum(member.predict(NUMBERS) for member in ensemble.estimators_) / 3
    np.testing.assert_array_equal(ensemble.predict(NUMBERS), mean)
    np.testing.assert_array_equal(ensemble.predict(NUMBERS.tolist()), mean)


def test_groups_stay_together():
    groups = np.arange(len(X)) // 10
    ensemble = CVEnsembleClassifier(MLP, cv=GroupKFold(3)).fit(X, y, groups=groups)
    by_hand = CVEnsembleClassifier(MLP, cv=GroupKFold(3).split(X, y, groups)).fit(X, y)
    np.testing.assert_array_equal(ensemble.oof_prediction_, by_hand.oof_prediction_)
    with pytest.raises(ValueError, match="The 'groups' parameter should not be None"):
        CVEnsembleClassifier(MLP, cv=GroupKFold(3)).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        CVEnsembleClassifier(MLP, cv=GroupKFold(3)).fit(X, y, groups=groups[:-1])


def test_rows_that_are_left_out_never_or_twice():
    ensemble = CVEnsembleClassifier(MLP, cv=ShuffleSplit(6, test_size=0.2, random_state=0)).fit(X, y)
    counts = np.zeros(len(X))
    for _, test in ShuffleSplit(6, test_size=0.2, random_state=0).split(X):
        counts[test] += 1
    assert counts.max() > 1
    np.testing.assert_array_equal(np.isnan(ensemble.oof_prediction_[:, 0]), counts == 0)
    np.testing.assert_allclose(ensemble.oof_prediction_[counts > 0].sum(axis=1), 1.0)
    assert 0 < ensemble.oof_score_ <= 1


@pytest.mark.parametrize("labels", [y == 1, np.array(["a", "b", "c"])[y], np.eye(3, dtype=int)[y]])
@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_array, np.float32])
def test_forms_of_data(form, labels):
    rows = form(X)
    ensemble = CVEnsembleClassifier(clone(MLP).set_params(max_iter=40), cv=3).fit(rows, labels)
    mean = sum(member.predict_proba(rows) for member in ensemble.estimators_) / 3
    np.testing.assert_array_equal(ensemble.predict_proba(rows), mean)
    assert ensemble.predict(rows).shape == labels.shape
    assert ensemble.predict(rows).dtype == labels.dtype
    assert ensemble.score(rows, labels) == accuracy_score(labels, ensemble.predict(rows))
    again = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(again.predict_proba(rows), mean)


def test_an_ensemble_in_scikit_learn():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=list("abcd"))
    ensemble = CVEnsembleClassifier(MLP, cv=3).fit(table, y)
    assert list(ensemble.feature_names_in_) == list("abcd")
    np.testing.assert_array_equal(
        ensemble.predict_proba(table), CVEnsembleClassifier(MLP, cv=3).fit(X, y).predict_proba(X)
    )
    assert cross_val_score(clone(ensemble), X, y, cv=3).min() > 0.5
    assert clone(ensemble).set_params(estimator__alpha=0.5).estimator.alpha == 0.5


def test_what_is_refused():
    before = CVEnsembleClassifier(MLP, cv=3).fit(X, y)
    probabilities = before.predict_proba(X)
    for ensemble, error, message in (
        (CVEnsembleClassifier(REGRESSOR), TypeError, "estimator must be a MLPClassifier, got MLPRegressor"),
        (CVEnsembleClassifier(MLP, cv=1), ValueError, "n_splits"),
        (CVEnsembleClassifier(MLP, cv=[]), ValueError, "cv must give at least one split, got none"),
        (CVEnsembleClassifier(clone(MLP).set_params(alpha=-1)), ValueError, "alpha"),
        (CVEnsembleClassifier(clone(MLP).set_params(loss="hinge")), ValueError, "probabilities"),
        (CVEnsembleClassifier(MLP, n_jobs=0), ValueError, "n_jobs"),
    ):
        with pytest.raises(error, match=message):
            ensemble.fit(X, y)
        assert not hasattr(ensemble, "estimators_")
    sorted_folds = [(np.arange(0, 100), np.arange(100, 150)), (np.arange(50, 150), np.arange(0, 50))]
    with pytest.raises(ValueError, match="classes"):
        CVEnsembleClassifier(MLP, cv=sorted_folds).fit(X, y)
    with pytest.raises(ValueError, match="alpha"):
        before.set_params(estimator=clone(MLP).set_params(alpha=-1)).fit(X, y)
    np.testing.assert_array_equal(before.predict_proba(X), probabilities)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_iter_no_change": 0},
        {"tol": -1},
        {"solver": "adm"},
        {"alpha": "a"},
        {"dropout": 2},
        {"max_iter": 0},
    ],
    ids=str,
)
def test_parameters_of_members_are_checked_as_of_one_alone(parameters):
    members = clone(MLP).set_params(**parameters)
    with pytest.raises(ValueError, match=next(iter(parameters))) as alone:
        members.fit(X, y)
    with pytest.raises(alone.type, match=f"^{re.escape(str(alone.value))}$"):
        CVEnsembleClassifier(members).fit(X, y)
