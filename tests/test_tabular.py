"""`TabularMLPClassifier` and `TabularMLPRegressor`: tables as they come, in many ways."""

import datetime as dt
import pickle
import signal
import threading
import time
import warnings

import ferroprop as fp
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import sklearn
import skops.io
from ferroprop.estimators import TimeLimitWarning
from ferroprop.tabular import TabularMLPClassifier, TabularMLPRegressor
from ferroprop.tabular._calibration import Thermometer
from ferroprop.tabular._candidates import mean_losses, near_the_best
from ferroprop.tabular._column import Column
from ferroprop.tabular._distinct import distinct_rows
from ferroprop.tabular._folds import folds_of
from ferroprop.tabular._member import Rows
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

QUICK = {"n_members": 2, "max_iter": 12, "numeric_encoding": "linear", "random_state": 0}


pytestmark = pytest.mark.filterwarnings("ignore:Column 'nothing'. no value:ferroprop.tabular.DataWarning")


def messy_table(n_rows, seed=0):
    """Return a table with numbers of any scale, categories, dates and missing values, and a target of it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_rows)
    city = rng.choice(["Rome", "Oslo", "Bern"], n_rows)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n_rows), unit="D")
    paid = pd.Series(rng.random(n_rows) < 0.5)
    target = np.sin(2.5 * x) + 1.5 * (city == "Rome") + (day.day_of_week == 6) + 0.5 * paid
    table = pd.DataFrame(
        {
            "income": 1e6 * np.exp(2 * x),
            "dust": 1e-9 * rng.standard_cauchy(n_rows),
            "city": city,
            "day": day,
            "paid": paid,
            "nothing": None,
        }
    )
    table.loc[rng.random(n_rows) < 0.1, "city"] = None
    table.loc[rng.random(n_rows) < 0.1, "income"] = np.nan
    return table, np.asarray(target) + 0.2 * rng.normal(size=n_rows)


def classes_of(target):
    return np.where(target > np.median(target), "above", "below")


# ---- scikit-learn's checks -------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.filterwarnings("ignore:Column 'x0' has numbers")
@parametrize_with_checks(
    [
        estimator(n_members=2, max_iter=16, hidden_layer_sizes=32)
        for estimator in (TabularMLPClassifier, TabularMLPRegressor)
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.filterwarnings("ignore:Column 'x0' has numbers")
@parametrize_with_checks([TabularMLPClassifier(), TabularMLPRegressor()])
def test_scikit_learns_checks_of_the_defaults(estimator, check):
    check(estimator)


# ---- what it is for --------------------------------------------------------------------------------------


def linear_model(model):
    """Return what people put before a linear model where a table is messy."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_pipeline(
        make_column_transformer(
            (numbers, ["income", "dust"]), (OneHotEncoder(handle_unknown="ignore"), ["city", "paid"])
        ),
        model,
    )


def test_a_messy_table_is_learned_as_it_comes():
    table, target = messy_table(900)
    train, test = slice(None, 600), slice(600, None)
    mlp = TabularMLPRegressor(n_members=3, max_iter=60, random_state=0).fit(table[train], target[train])
    baseline = linear_model(Ridge()).fit(table[train], target[train])
    assert mlp.score(table[test], target[test]) > 0.75 > baseline.score(table[test], target[test]) + 0.1
    losses = mlp.encoding_losses_
    assert set(losses) == {"both", "fine"}  # no column has whole numbers
    assert min(losses, key=losses.get) in mlp.numeric_encoding_.split("+")


def test_many_steps_of_a_target_want_fine_bins():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(1500, 1))
    y = np.floor(12 * x[:, 0]) % 2
    mlp = TabularMLPRegressor(n_members=1, max_iter=60, random_state=0).fit(x[:1000], y[:1000])
    assert mlp.numeric_encoding_ == "fine"
    assert mlp.encoding_losses_["fine"] < 0.3 * mlp.encoding_losses_["both"]
    assert mlp.score(x[1000:], y[1000:]) > 0.8


def test_fine_bins_are_not_tried_where_they_would_be_very_many_inputs():
    x = np.random.default_rng(0).normal(size=(60, 141))
    x, y = x[:, :140], x[:, 140]
    mlp = TabularMLPRegressor(n_members=1, max_iter=1, random_state=0).fit(x, y)
    assert set(mlp.encoding_losses_) == {"both"}
    mlp = TabularMLPRegressor(n_members=1, max_iter=1, random_state=0).fit(x[:, :120], y)
    assert set(mlp.encoding_losses_) == {"both", "fine"}


def test_values_that_have_little_to_do_with_each_other_want_an_input_each():
    rng = np.random.default_rng(0)
    day = rng.integers(1, 100, 2000)
    y = rng.normal(size=100)[day]
    mlp = TabularMLPRegressor(n_members=1, max_iter=40, random_state=0)
    mlp.fit(day[:1500, None], y[:1500])
    assert mlp.numeric_encoding_ == "values"
    assert mlp.encoding_losses_["values"] < 0.3 * mlp.encoding_losses_["fine"]
    assert mlp.score(day[1500:, None], y[1500:]) > 0.95


@pytest.mark.parametrize("own_validation", [False, True])
def test_encodings_that_are_about_as_good_are_averaged(own_validation):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 2))
    y = x[:, 0] + np.abs(x[:, 1]) + rng.normal(size=500)
    left_out = {"X_val": x[400:], "y_val": y[400:]} if own_validation else {}
    x, y = x[:400], y[:400]
    mlp = TabularMLPRegressor(n_members=5, max_iter=6, hidden_layer_sizes=32, random_state=0)
    mlp.fit(x, y, **left_out)
    assert mlp.numeric_encoding_ == "both+fine"
    assert 0.9 < mlp.encoding_losses_["both"] / mlp.encoding_losses_["fine"] < 1.1
    told = [(history["member"], history["numeric_encoding"]) for history in mlp.history_]
    assert told == [(member, encoding) for member in range(5) for encoding in ("both", "fine")]
    for encoding in ("both", "fine"):
        best = [
            history["validation_loss"][history["best_epoch"] - 1]
            for history in mlp.history_
            if history["numeric_encoding"] == encoding
        ]
        assert mlp.encoding_losses_[encoding] == pytest.approx(np.mean(best), rel=1e-12)
    inputs = mlp.encoder_.transform(x)
    limits = (y.min() - y.mean()) / y.std(), (y.max() - y.mean()) / y.std()
    outputs = np.stack([network.predict(inputs)[:, 0].astype(float) for network in mlp.members_])
    predictions = outputs.clip(*limits) * y.std() + y.mean()
    np.testing.assert_allclose(mlp.predict(x), predictions.mean(axis=0), rtol=1e-5, atol=1e-5)
    if own_validation:
        return
    of_pairs = predictions.reshape(5, 2, 400).mean(axis=1)
    is_its_own = np.isclose(of_pairs, mlp.oof_prediction_, rtol=1e-4, atol=1e-4)
    assert is_its_own.any(axis=0).all()
    alone = TabularMLPRegressor(5, numeric_encoding="fine", max_iter=6, hidden_layer_sizes=32, random_state=0)
    alone.fit(x, y)
    of_fine = np.stack([network.predict(alone.encoder_.transform(x)) for network in alone.members_])
    np.testing.assert_allclose(outputs[1::2], of_fine[:, :, 0], rtol=1e-5, atol=1e-5)


def test_losses_within_a_ratio_of_the_least():
    losses = {0: 1.2, 1: 1.0, 2: 1.05}
    assert near_the_best(losses, 1.1) == [1, 2]
    assert near_the_best(losses, 1.25) == [0, 1, 2]
    assert near_the_best({0: 1.0, 1: 1.0}, 1.0) == [0]
    assert near_the_best({0: np.inf, 1: 1.0}, 1.5) == [1]


def test_mean_losses_are_those_of_members_with_all_encodings():
    assert mean_losses({(0, 0): 1.0, (0, 2): 3.0, (1, 0): 3.0, (1, 2): 4.0, (2, 0): 99.0}) == {0: 2.0, 2: 3.5}


def test_without_numbers_one_encoding_is_tried():
    table, target = messy_table(60)
    mlp = TabularMLPRegressor(n_members=1, max_iter=1, random_state=0).fit(table[["city", "paid"]], target)
    assert set(mlp.encoding_losses_) == {"both"}
    mlp = TabularMLPClassifier(n_members=1, max_iter=1, random_state=0)
    mlp.fit(table[["city", "paid"]], classes_of(target))
    assert set(mlp.encoding_losses_) == {"linear"}


def test_classes_of_a_messy_table():
    table, target = messy_table(900)
    y = classes_of(target)
    train, test = slice(None, 600), slice(600, None)
    mlp = TabularMLPClassifier(n_members=3, max_iter=60, random_state=0).fit(table[train], y[train])
    baseline = linear_model(LogisticRegression()).fit(table[train], y[train])
    loss = log_loss(y[test], mlp.predict_proba(table[test]))
    assert loss < 0.8 * log_loss(y[test], baseline.predict_proba(table[test]))
    assert mlp.classes_.tolist() == ["above", "below"]
    np.testing.assert_array_equal(mlp.predict(table), mlp.classes_[mlp.predict_proba(table).argmax(axis=1)])
    np.testing.assert_array_equal(mlp.predict_log_proba(table), np.log(mlp.predict_proba(table)))


def test_the_same_predictions_from_each_library():
    table, target = messy_table(120)
    mlp = TabularMLPRegressor(**QUICK).fit(table, target)
    expected = mlp.predict(table)
    of_polars = pl.from_pandas(table)
    for other in (of_polars, of_polars.to_arrow(), of_polars.lazy()):
        np.testing.assert_array_equal(mlp.predict(other), expected)
        np.testing.assert_array_equal(
            TabularMLPRegressor(**QUICK).fit(other, target).predict(other), expected
        )
    y = pl.Series(target)
    np.testing.assert_array_equal(TabularMLPRegressor(**QUICK).fit(of_polars, y).predict(table), expected)
    np.testing.assert_array_equal(
        TabularMLPRegressor(**QUICK).fit(of_polars, y.to_arrow()).predict(table), expected
    )


# ---- the same bits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_the_same_bits_for_any_number_of_threads_and_order_of_rows(kind):
    table, target = messy_table(200)
    y = classes_of(target) if kind is TabularMLPClassifier else target
    settings = {"n_members": 3, "max_iter": 8, "random_state": 0}
    one = kind(**settings, n_jobs=1).fit(table, y)
    order = np.random.default_rng(0).permutation(len(table))
    two = kind(**settings, n_jobs=2).fit(table.iloc[order], y[order])
    outputs = "predict_proba" if kind is TabularMLPClassifier else "predict"
    np.testing.assert_array_equal(getattr(one, outputs)(table), getattr(two, outputs)(table))
    np.testing.assert_array_equal(one.oof_prediction_[order], two.oof_prediction_)
    assert one.oof_score_ == pytest.approx(two.oof_score_, rel=1e-12)
    assert one.encoding_losses_ == two.encoding_losses_


@pytest.mark.parametrize("column_weights", [False, True])
def test_where_most_inputs_are_0_sparse_rows_have_the_same_bits(monkeypatch, column_weights):
    rng = np.random.default_rng(5)
    levels = [f"level {level}" for level in rng.integers(0, 60, 400)]
    X = pd.DataFrame({"level": levels, "number": rng.normal(size=400)})
    y = np.where(rng.random(400) < 0.1, 1.0, 0.0) + X["number"].to_numpy() + (X["level"] < "level 3")
    settings = {"numeric_encoding": "linear", "n_members": 2, "max_iter": 6, "column_weights": column_weights}

    def predictions():
        seen = []

        def train(network, X, Y, **further):
            seen.append(scipy.sparse.issparse(X))
            return fp.train(network, X, Y, **further)

        monkeypatch.setattr("ferroprop.tabular._member.train", train)
        mlp = TabularMLPRegressor(random_state=0, **settings).fit(X, y)
        return mlp.predict(X), mlp.oof_prediction_, set(seen)

    predicted, left_out, sparse = predictions()
    monkeypatch.setattr("ferroprop.tabular._member._MANY_INPUTS", 10**6)
    of_whole_rows = predictions()
    assert (sparse, of_whole_rows[2]) == ({True}, {False})
    np.testing.assert_array_equal(predicted, of_whole_rows[0])
    np.testing.assert_array_equal(left_out, of_whole_rows[1])


def test_a_prediction_does_not_depend_on_other_rows():
    table, target = messy_table(100)
    mlp = TabularMLPRegressor(**QUICK).fit(table, target)
    together = mlp.predict(table, quantiles=[0.1, 0.9])
    alone = [mlp.predict(table.iloc[[row]], quantiles=[0.1, 0.9])[0] for row in range(5)]
    np.testing.assert_array_equal(together[:5], alone)


def test_many_rows_are_predicted_in_parts():
    table, target = messy_table(100)
    mlp = TabularMLPRegressor(**QUICK).fit(table, target)
    many = pd.concat([table] * 90, ignore_index=True)
    np.testing.assert_array_equal(mlp.predict(many), np.tile(mlp.predict(table), 90))


def test_distinct_rows():
    values = np.array([1.0, np.nan, 1.0, -0.0, 0.0, np.nan, 5.0])
    words = np.array(["a", None, "a", "b", "b", None, "a"], dtype=object)
    columns = [Column("x", values), Column("c", words)]
    Y = np.array([[1.0], [2.0], [1.0], [3.0], [3.0], [2.5], [9.0]])
    distinct = distinct_rows(columns, Y, np.array([1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 0.0]))
    assert sorted(distinct.rows.tolist()) in ([0, 1, 3, 5],)
    assert distinct.place[6] == -1
    assert distinct.place[0] == distinct.place[2]
    assert distinct.place[3] == distinct.place[4]
    assert len(set(distinct.place.tolist())) == 5
    assert distinct.weight[distinct.place[0]] == 3.0


def test_rows_of_a_table_that_is_made_of_copies_are_kept():
    columns = [Column("x", np.arange(100.0) % 4)]
    distinct = distinct_rows(columns, np.zeros((100, 1)), None)
    assert len(distinct.rows) == 100
    assert set(distinct.weight.tolist()) == {1.0}


def test_folds():
    target = np.repeat([0.0, 1.0, 2.0], [50, 33, 17])
    folds = folds_of(target, 5, np.random.RandomState(0))
    for value, n_rows in ((0, 50), (1, 33), (2, 17)):
        counts = np.bincount(folds[target == value], minlength=5)
        assert abs(counts - n_rows / 5).max() < 2


# ---- rows left out ---------------------------------------------------------------------------------------


def test_predictions_of_rows_left_out_are_those_of_the_member_that_did_not_see_them():
    table, target = messy_table(150)
    mlp = TabularMLPRegressor(**{**QUICK, "n_members": 5}).fit(table, target)
    inputs = mlp.encoder_.transform(table)
    spread, center = target.std(), target.mean()
    of_members = np.stack([network.predict(inputs)[:, 0] * spread + center for network in mlp.members_])
    is_one = np.isclose(of_members, mlp.oof_prediction_, rtol=1e-4, atol=1e-4)
    clamped = (mlp.oof_prediction_ == target.min()) | (mlp.oof_prediction_ == target.max())
    assert (is_one.any(axis=0) | clamped).all()
    assert mlp.oof_score_ == pytest.approx(sklearn.metrics.r2_score(target, mlp.oof_prediction_))
    assert mlp.oof_score_ < mlp.score(table, target)


def test_with_few_members_some_rows_are_never_left_out():
    table, target = messy_table(100)
    mlp = TabularMLPClassifier(**QUICK).fit(table, classes_of(target))
    assert np.isnan(mlp.oof_prediction_).all(axis=1).sum() == 60
    assert 0.0 <= mlp.oof_score_ <= 1.0


def test_rows_without_weight_are_predicted_by_all_members():
    table, target = messy_table(100)
    weight = np.ones(100)
    weight[:10] = 0
    mlp = TabularMLPRegressor(**{**QUICK, "n_members": 5}).fit(table, target, weight)
    np.testing.assert_array_equal(mlp.oof_prediction_[:10], mlp.predict(table[:10]))
    without = TabularMLPRegressor(**{**QUICK, "n_members": 5}).fit(table[10:], target[10:])
    np.testing.assert_array_equal(mlp.predict(table), without.predict(table))


def test_weights_are_numbers_of_rows():
    table, target = messy_table(80)
    weight = np.random.default_rng(0).integers(0, 4, 80)
    weighted = TabularMLPRegressor(**QUICK).fit(table, target, weight)
    repeated = TabularMLPRegressor(**QUICK).fit(table.loc[table.index.repeat(weight)], target.repeat(weight))
    np.testing.assert_array_equal(weighted.predict(table), repeated.predict(table))
    np.testing.assert_array_equal(
        weighted.predict(table, quantiles=[0.3]), repeated.predict(table, quantiles=[0.3])
    )


def test_own_validation_rows():
    table, target = messy_table(200)
    mlp = TabularMLPRegressor(**QUICK)
    mlp.fit(table[:150], target[:150], X_val=table[150:], y_val=target[150:])
    assert mlp.oof_prediction_ is None
    assert mlp.oof_score_ is None
    assert len(mlp.members_) == 2
    inputs = mlp.encoder_.transform(table[150:])
    learned = (target - target[:150].mean()) / target[:150].std()
    limits, standardised = (learned[:150].min(), learned[:150].max()), learned[150:]
    limits = (
        (target[:150].min() - target[:150].mean()) / target[:150].std(),
        (target[:150].max() - target[:150].mean()) / target[:150].std(),
    )
    for network, history in zip(mlp.members_, mlp.history_, strict=True):
        off = network.predict(inputs)[:, 0].clip(*limits) - standardised
        assert min(history["validation_loss"]) == pytest.approx((off**2).mean(), rel=1e-5)
        assert np.argmin(history["validation_loss"]) + 1 == history["best_epoch"]
    other = TabularMLPRegressor(**QUICK).fit(
        table[:150], target[:150], X_val=table[150:], y_val=target[150:], sample_weight_val=np.arange(50)
    )
    assert other.history_[0]["loss"] == mlp.history_[0]["loss"]
    assert other.history_[0]["validation_loss"] != mlp.history_[0]["validation_loss"]


# ---- classes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        [3, 7, 11],
        [0.0, 1.0, 2.0],
        ["None", "NA", "nan"],
        [True, False, True],
        np.array(["a", "b", "c"], dtype=object),
    ],
)
def test_classes_of_any_type(labels):
    table, _ = messy_table(60)
    y = np.asarray(labels)[np.arange(60) % 3]
    mlp = TabularMLPClassifier(**QUICK).fit(table, y)
    assert mlp.classes_.tolist() == sorted(set(np.asarray(labels).tolist()))
    assert set(mlp.predict(table)) <= set(y)
    assert mlp.predict(table).dtype == y.dtype


def test_rare_classes_and_weights_of_classes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = (X[:, 0] + rng.normal(size=400) > 2.0).astype(int)
    plain = TabularMLPClassifier(**QUICK).fit(X, y)
    balanced = TabularMLPClassifier(**QUICK, class_weight="balanced").fit(X, y)
    by_hand = TabularMLPClassifier(**QUICK).fit(
        X, y, np.where(y == 1, 400 / 2 / y.sum(), 400 / 2 / (y == 0).sum())
    )
    assert balanced.predict(X).mean() > 2 * plain.predict(X).mean()
    recall = (balanced.predict(X) == 1)[y == 1].mean()
    assert recall > 0.7 > (plain.predict(X) == 1)[y == 1].mean()
    assert balanced.predict_proba(X)[:, 1].mean() == pytest.approx(
        by_hand.predict_proba(X)[:, 1].mean(), abs=0.05
    )


def test_the_temperature_is_that_of_the_least_loss():
    rng = np.random.default_rng(0)
    Y = np.eye(3)[rng.integers(0, 3, 500)]
    net_inputs = 5 * (Y + 0.7 * rng.normal(size=Y.shape))
    weight = rng.integers(1, 4, 500).astype(float)

    def loss(inverse):
        log_probabilities = (log_softmax(net_inputs * inverse, axis=1) * Y).sum(axis=1)
        return -(log_probabilities * weight).sum() / weight.sum() + (inverse - 1) ** 2 / (2 * 500)

    expected = minimize_scalar(loss, bounds=(1 / 16, 16), method="bounded", options={"xatol": 1e-9})
    for guess in (0.1, 1.0, 5.0):
        temperature, least = Thermometer(Y, weight).read(net_inputs, guess)
        assert least == pytest.approx(expected.fun, abs=1e-6)
        assert 1 / temperature == pytest.approx(expected.x, rel=5e-3)


def test_a_temperature_of_classes_that_are_all_right_is_bounded():
    Y = np.eye(2)[np.arange(20) % 2]
    temperature, _ = Thermometer(Y, None).read(3 * Y)
    assert 1 / 16 <= temperature < 1.0


def test_members_have_their_temperatures():
    table, target = messy_table(150)
    mlp = TabularMLPClassifier(**QUICK).fit(table, classes_of(target))
    assert mlp.temperature_.shape == (2,)
    inputs = mlp.encoder_.transform(table)
    mean = np.mean([network.predict(inputs).astype(float) for network in mlp.members_], axis=0)
    np.testing.assert_allclose(mlp.predict_proba(table), mean, rtol=1e-6)


def test_smoothed_targets_have_the_shares_of_the_classes():
    rows = Rows.of(np.zeros((5, 1)), np.eye(3)[[0, 1, 1, 2, 2]], np.array([2.0, 1.0, 1.0, 0.5, 0.5]))
    smoothed = rows.smoothed(0.25).Y
    assert smoothed.dtype == np.float32
    np.testing.assert_allclose(smoothed, 0.75 * rows.Y + 0.25 * np.array([0.4, 0.4, 0.2]), rtol=1e-6)
    assert rows.smoothed(0.0) is rows


def test_label_smoothing_keeps_rows_that_are_known_from_an_endless_reward():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = (X[:, 0] + X[:, 1] > 0).astype(int)
    options = {**QUICK, "n_members": 1, "max_iter": 60}
    plain = TabularMLPClassifier(**options, label_smoothing=0.0).fit(X, y)
    usual = TabularMLPClassifier(**options).fit(X, y)
    asked = TabularMLPClassifier(**options, label_smoothing=0.1).fit(X, y)
    np.testing.assert_array_equal(usual.predict_proba(X), asked.predict_proba(X))
    several = TabularMLPClassifier(**options | {"n_members": 2, "max_iter": 4})
    np.testing.assert_array_equal(
        sklearn.clone(several).fit(X, y).predict_proba(X),
        several.set_params(label_smoothing=0.0).fit(X, y).predict_proba(X),
    )
    share = y.mean()
    of_classes = np.array([0.1 * share, 0.9 + 0.1 * share])  # the targets of the second output
    entropies = -of_classes * np.log(of_classes) - (1 - of_classes) * np.log(1 - of_classes)
    least = (1 - share) * entropies[0] + share * entropies[1]
    assert usual.history_[0]["loss"][-1] > least > 0.15 > plain.history_[0]["loss"][-1]
    assert usual.history_[0]["validation_loss"][-1] < 0.15  # of the classes as they are
    assert usual.temperature_[0] < 1.0


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.0, np.nan, "much", None])
def test_wrong_label_smoothing(label_smoothing):
    with pytest.raises(ValueError, match="label_smoothing"):
        TabularMLPClassifier(label_smoothing=label_smoothing).fit([[0.0], [1.0]], [0, 1])


def test_states_of_earlier_releases_have_no_label_smoothing():
    state = TabularMLPClassifier(n_members=3).__getstate__()
    del state["label_smoothing"]
    again = TabularMLPClassifier.__new__(TabularMLPClassifier)
    again.__setstate__(state)
    assert again.get_params() == TabularMLPClassifier(n_members=3).get_params()


# ---- numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exponent", [-1000, -30, 30, 1000])
def test_targets_of_any_scale(exponent):
    table, target = messy_table(100)
    expected = TabularMLPRegressor(**QUICK).fit(table, target)
    scaled = TabularMLPRegressor(**QUICK).fit(table, np.ldexp(target, exponent))
    np.testing.assert_array_equal(scaled.predict(table), np.ldexp(expected.predict(table), exponent))
    assert scaled.oof_score_ == pytest.approx(expected.oof_score_)


def test_predictions_stay_in_the_range_of_the_targets():
    X = np.linspace(-1, 1, 80)[:, None]
    y = 1e6 + X[:, 0]
    mlp = TabularMLPRegressor(**QUICK).fit(X, y)
    far = mlp.predict(np.linspace(-50, 50, 40)[:, None])
    assert far.min() >= y.min()
    assert far.max() <= y.max()
    assert mlp.predict(X, quantiles=[0.001, 0.999]).max() <= y.max()


def test_several_targets():
    table, target = messy_table(300)
    Y = np.stack([target, -1000 * target + 5, np.full(300, 7.0)], axis=1)
    mlp = TabularMLPRegressor(n_members=2, max_iter=40, numeric_encoding="both", random_state=0).fit(table, Y)
    assert mlp.predict(table).shape == (300, 3)
    assert mlp.oof_prediction_.shape == (300, 3)
    assert mlp.score(table, Y[:, :]) > 0.7
    np.testing.assert_array_equal(mlp.predict(table)[:, 2], 7.0)
    assert mlp.predict(table, quantiles=[0.1, 0.9]).shape == (300, 3, 2)
    assert mlp.predict(table, quantiles=0.5).shape == (300, 3)
    frame = pd.DataFrame(Y, columns=["a", "b", "c"])
    settings = {"n_members": 2, "max_iter": 3, "numeric_encoding": "linear", "random_state": 0}
    np.testing.assert_array_equal(
        TabularMLPRegressor(**settings).fit(table, frame).predict(table),
        TabularMLPRegressor(**settings).fit(table, Y).predict(table),
    )


def test_quantiles():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(3000, 2))
    y = X[:, 0] + rng.normal(size=3000) * np.where(X[:, 1] > 0, 1.0, 0.1)
    mlp = TabularMLPRegressor(n_members=5, max_iter=15, numeric_encoding="linear", random_state=0)
    mlp.fit(X[:2000], y[:2000])
    levels = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    found = mlp.predict(X[2000:], quantiles=levels)
    assert found.shape == (1000, 5)
    assert (np.diff(found, axis=1) >= 0).all()
    below = (y[2000:, None] < found).mean(axis=0)
    np.testing.assert_allclose(below, levels, atol=0.05)
    width = found[:, 4] - found[:, 0]
    wide = X[2000:, 1] > 0
    assert np.median(width[wide]) > 4 * np.median(width[~wide])
    for rows in (wide, ~wide):
        inside = (y[2000:] > found[:, 0]) & (y[2000:] < found[:, 4])
        assert inside[rows].mean() == pytest.approx(0.9, abs=0.05)
    np.testing.assert_array_equal(
        mlp.predict(X[:5], quantiles=0.25), mlp.predict(X[:5], quantiles=levels)[:, 1]
    )


# ---- tables that are hardly any --------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [1, 2, 3, 5, 7])
def test_tiny_tables(n_rows):
    table, target = messy_table(n_rows)
    mlp = TabularMLPRegressor(max_iter=3, random_state=0).fit(table, target)
    assert np.isfinite(mlp.predict(table)).all()
    assert np.isfinite(mlp.predict(table, quantiles=[0.1])).all()
    assert len(mlp.members_) == min(5, n_rows)
    if n_rows > 1:
        y = np.arange(n_rows) % 2
        mlp = TabularMLPClassifier(max_iter=3, random_state=0).fit(table, y)
        np.testing.assert_allclose(mlp.predict_proba(table).sum(axis=1), 1.0)


def test_a_table_that_tells_nothing():
    X = np.ones((40, 2))
    y = np.arange(40) % 4 == 0
    mlp = TabularMLPClassifier(max_iter=30, random_state=0).fit(X, y)
    assert mlp.predict_proba(X)[0, 1] == pytest.approx(0.25, abs=0.1)
    constant = TabularMLPRegressor(**QUICK).fit(np.arange(20.0)[:, None], np.full(20, 3.0))
    np.testing.assert_array_equal(constant.predict([[1.0], [99.0]]), 3.0)


def test_levels_and_gaps_that_were_not_there_in_fit():
    table, target = messy_table(100)
    mlp = TabularMLPRegressor(**QUICK).fit(table, target)
    other = table[:3].assign(city="Atlantis", day=pd.NaT, dust=np.nan, paid=pd.array([None] * 3, "boolean"))
    assert np.isfinite(mlp.predict(other)).all()


# ---- time, callbacks, interruption -----------------------------------------------------------------------


def test_the_time_limit_holds_and_is_told_of():
    table, target = messy_table(3000)
    mlp = TabularMLPRegressor(max_time=1.0, random_state=0)
    began = time.monotonic()
    with pytest.warns(
        sklearn.exceptions.ConvergenceWarning,
        match=r"Time limit \(max_time=1 s\) reached: \d+ of \d+ network",
    ):
        mlp.fit(table, target)
    assert time.monotonic() - began < 10.0
    assert np.isfinite(mlp.predict(table)).all()
    assert any(history["stop_reason"] == "time" for history in mlp.history_)


def test_no_time_at_all_still_gives_a_member():
    table, target = messy_table(60)
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match="1 of 5 network"):
        mlp = TabularMLPClassifier(max_time=1e-9, random_state=0).fit(table, classes_of(target))
    assert len(mlp.history_[0]["loss"]) == 1
    assert mlp.predict(table).shape == (60,)


def test_a_limit_that_does_not_bind_changes_nothing():
    table, target = messy_table(60)
    limited = TabularMLPRegressor(**QUICK, max_time=1e6).fit(table, target)
    np.testing.assert_array_equal(
        limited.predict(table), TabularMLPRegressor(**QUICK).fit(table, target).predict(table)
    )


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_callback(n_jobs):
    table, target = messy_table(100)
    seen, threads = [], set()

    def callback(epoch):
        seen.append((epoch.member, epoch.numeric_encoding, epoch.epoch))
        threads.add(threading.current_thread())
        assert epoch.network.predict(np.zeros((1, epoch.network.layer_sizes[0]), np.float32)).shape == (1, 1)
        return epoch.member == 1 and epoch.epoch == 4

    mlp = TabularMLPRegressor(n_members=3, max_iter=6, random_state=0, callback=callback, n_jobs=n_jobs)
    mlp.fit(table, target)
    assert threads == {threading.main_thread()}
    expected = {(0, encoding, epoch) for encoding in ("both", "fine") for epoch in range(1, 7)}
    for encoding in mlp.numeric_encoding_.split("+"):
        expected |= {(1, encoding, epoch) for epoch in range(1, 5)}
        expected |= {(2, encoding, epoch) for epoch in range(1, 7)}
    assert set(seen) >= expected
    assert len(seen) == len(set(seen)) <= 12 + 2 * 10
    ends = {0: "epochs", 1: "callback", 2: "epochs"}
    assert [history["stop_reason"] for history in mlp.history_] == [
        ends[history["member"]] for history in mlp.history_
    ]


class Recorder:
    """One of scikit-learn's callbacks: notes what it is told, and ends member 1 after two epochs."""

    def __init__(self):
        self.tasks = []
        self.scores = []

    def setup(self, estimator, context):
        self.tasks.append("setup")

    def teardown(self, estimator, context):
        self.tasks.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None):
        self.tasks.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None, X=None, y=None):
        self.tasks.append(("end", context.task_name))
        if context.task_name == "epoch":
            self.scores.append(fitted_estimator.score(X, y))
            return context.parent.task_id == 1 and context.task_id == 1
        return False


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_callbacks_of_scikit_learn(kind):
    table, target = messy_table(100)
    y = classes_of(target) if kind is TabularMLPClassifier else target
    recorder = Recorder()
    mlp = kind(n_members=2, max_iter=5, random_state=0, n_jobs=1).set_callbacks(recorder).fit(table, y)
    assert recorder.tasks[:3] == ["setup", ("begin", "fit"), ("begin", "member")]
    assert recorder.tasks[-2:] == [("end", "fit"), "teardown"]
    n_used = len(mlp.members_) // 2
    assert n_used == len(mlp.numeric_encoding_.split("+"))
    n_tasks, n_epochs = recorder.tasks.count(("begin", "member")), recorder.tasks.count(("begin", "epoch"))
    assert recorder.tasks.count(("end", "member")) == n_tasks >= 2 + n_used
    assert recorder.tasks.count(("end", "epoch")) == n_epochs == len(recorder.scores)
    assert n_epochs == 5 * n_tasks - 3  # the callback ends the task of number 1
    ends = [history["stop_reason"] for history in mlp.history_]
    assert ends == ["epochs"] * n_used + ["callback"] + ["epochs"] * (n_used - 1)
    assert not hasattr(mlp, "_callback_fit_ctx")


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_a_fit_that_is_interrupted_changes_nothing(error):
    table, target = messy_table(100)
    mlp = TabularMLPRegressor(**QUICK, n_jobs=2).fit(table, target)
    before = dict(mlp.__dict__)

    def interrupt(epoch):
        if epoch.epoch == 3:
            raise error

    mlp.callback = interrupt
    n_threads = threading.active_count()
    with pytest.raises(error):
        mlp.fit(table[["dust"]], target)
    del mlp.callback
    del before["callback"]
    assert mlp.__dict__ == before
    assert threading.active_count() == n_threads


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c(n_jobs):
    table, target = messy_table(2000)
    mlp = TabularMLPRegressor(random_state=0, n_jobs=n_jobs)
    n_threads = threading.active_count()
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        mlp.fit(table, target)
    assert time.monotonic() - began < 20.0
    timer.join()
    assert threading.active_count() == n_threads
    assert not [name for name in vars(mlp) if name.endswith("_")]


def test_an_error_of_a_fit_changes_nothing():
    table, target = messy_table(50)
    mlp = TabularMLPRegressor(**QUICK).fit(table, target)
    before = dict(mlp.__dict__)
    with pytest.raises(ValueError, match="NaN"):
        mlp.fit(table[["dust"]], np.full(50, np.nan))
    assert mlp.__dict__ == before


def test_progress(capsys):
    table, target = messy_table(60)
    TabularMLPRegressor(**QUICK, verbose=True).fit(table, target)
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split(":")[0] for line in lines) == ["Member 0 (linear)", "Member 1 (linear)"]
    assert "12 epochs, loss" in lines[0]


# ---- files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_pickles_hold_no_rows(kind):
    small, large = messy_table(300), messy_table(1500)

    def fitted(table, target):
        return kind(**QUICK).fit(table, classes_of(target) if kind is TabularMLPClassifier else target)

    mlp = fitted(*large)
    pickled = pickle.dumps(mlp)
    assert len(pickled) < 1.02 * len(pickle.dumps(fitted(*small)))
    again = pickle.loads(pickled)
    np.testing.assert_array_equal(again.predict(large[0]), mlp.predict(large[0]))
    assert again.oof_score_ == mlp.oof_score_
    assert not hasattr(again, "oof_prediction_")
    if kind is TabularMLPRegressor:
        np.testing.assert_array_equal(
            again.predict(large[0], quantiles=[0.1]), mlp.predict(large[0], quantiles=[0.1])
        )


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_skops(kind):
    table, target = messy_table(80)
    mlp = kind(**QUICK).fit(table, classes_of(target) if kind is TabularMLPClassifier else target)
    dumped = skops.io.dumps(mlp)
    trusted = skops.io.get_untrusted_types(data=dumped)
    assert all(name.startswith("ferroprop.tabular.") for name in trusted)
    again = skops.io.loads(dumped, trusted=trusted)
    np.testing.assert_array_equal(again.predict(table), mlp.predict(table))


# ---- scikit-learn around it ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_attributes(kind):
    table, target = messy_table(60)
    mlp = kind(**QUICK).fit(table, classes_of(target) if kind is TabularMLPClassifier else target)
    assert mlp.n_features_in_ == 6
    assert mlp.feature_names_in_.tolist() == list(table.columns)
    assert all(isinstance(network, fp.Network) for network in mlp.members_)
    assert mlp.members_[0].layer_sizes[0] == len(mlp.encoder_.get_feature_names_out())
    assert mlp.members_[0].layer_sizes[1:4] == [128, 128, 128]
    assert [len(history["loss"]) for history in mlp.history_] == [12, 12]
    assert mlp.n_iter_ == 12
    assert sklearn.utils.get_tags(mlp).input_tags.string
    assert sklearn.utils.get_tags(mlp).input_tags.categorical
    assert sklearn.utils.get_tags(mlp).input_tags.allow_nan
    assert sklearn.clone(mlp).get_params() == mlp.get_params()


def test_searches_and_pipelines():
    table, target = messy_table(120)
    search = GridSearchCV(TabularMLPRegressor(**QUICK), {"dropout": [0.0, 0.3]}, cv=2).fit(table, target)
    assert search.best_params_["dropout"] in (0.0, 0.3)
    predicted = cross_val_predict(
        make_pipeline(TabularMLPClassifier(**QUICK)), table, classes_of(target), cv=2
    )
    assert predicted.shape == (120,)


WRONG = [
    ({}, (np.zeros((4, 1)), None), "requires y to be passed"),
    ({}, (np.zeros((4, 1)), [1, 2, 3]), "inconsistent numbers of samples"),
    ({}, (np.zeros((4, 1)), [1, 2, 3, np.nan]), "NaN"),
    ({}, (np.zeros((4, 1)), [1, 2, 3, np.inf]), "infinity"),
    ({}, (np.zeros((4, 1)), ["a", "b", "c", "d"]), "could not convert string to float|Unable to convert"),
    ({}, (np.full((4, 1), np.inf), [1, 2, 3, 4]), "infinity: column 'x0' has inf in row 0"),
    ({"n_members": 0}, (np.zeros((4, 1)), [1, 2, 3, 4]), "n_members"),
    ({"numeric_encoding": "none"}, (np.zeros((4, 1)), [1, 2, 3, 4]), "numeric_encoding"),
    ({"hidden_layer_sizes": [4, 0]}, (np.zeros((4, 1)), [1, 2, 3, 4]), "hidden_layer_sizes"),
    ({"dropout": 1.0}, (np.zeros((4, 1)), [1, 2, 3, 4]), "dropout"),
    ({"max_time": 0}, (np.zeros((4, 1)), [1, 2, 3, 4]), "max_time"),
    ({"callback": 3}, (np.zeros((4, 1)), [1, 2, 3, 4]), "callback"),
    ({"n_jobs": 0}, (np.zeros((4, 1)), [1, 2, 3, 4]), "n_jobs"),
    ({"categorical_features": ["a"]}, (np.zeros((4, 1)), [1, 2, 3, 4]), "'a', which is no column"),
]


@pytest.mark.parametrize(("parameters", "data", "message"), WRONG)
def test_wrong_usage(parameters, data, message):
    with pytest.raises((ValueError, TypeError), match=message):
        TabularMLPRegressor(**parameters).fit(*data)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": np.zeros((2, 1))}, "X_val is provided, but y_val was not"),
        ({"y_val": [1]}, "y_val is provided, but X_val was not"),
        ({"sample_weight_val": [1]}, "sample_weight_val is provided"),
        ({"X_val": np.zeros((2, 2)), "y_val": ["a", "b"]}, "2 features"),
        ({"X_val": np.zeros((2, 1)), "y_val": ["a"]}, "X_val and y_val must have as many rows"),
        ({"X_val": np.zeros((2, 1)), "y_val": ["a", "z"]}, "y_val has classes that y has not"),
        ({"X_val": np.zeros((2, 1)), "y_val": ["a", None]}, "y_val has no label in row 1"),
        ({"sample_weight": [0, 0, 0, 0]}, "positive weight|zero"),
        ({"sample_weight": [1, 1, -1, 1]}, "[Nn]egative"),
        ({"sample_weight": [1, 0, 1, 0]}, "only one class is present"),
    ],
)
def test_wrong_rows_of_classifiers(given, message):
    with pytest.raises(ValueError, match=message):
        TabularMLPClassifier(**QUICK).fit(np.arange(4.0)[:, None], ["a", "b", "a", "b"], **given)


MOMENTS = pd.Series(pd.date_range("2024-01-01", periods=4, tz="UTC"))


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (
            MOMENTS,
            TypeError,
            r"y must hold numbers, got dates or times \(dtype object, with Timestamp in row 0",
        ),
        (
            MOMENTS.dt.tz_localize(None),
            TypeError,
            r"got dates or times \(dtype datetime64\[.s\]\).*seconds since",
        ),
        (pl.Series(MOMENTS.tolist()), TypeError, "got dates or times"),
        (pl.from_pandas(MOMENTS).to_arrow(), TypeError, "got dates or times"),
        (MOMENTS - MOMENTS[0], TypeError, r"got dates or times \(dtype timedelta64\[.s\]\)"),
        ([None, dt.date(2024, 1, 1), None, None], TypeError, "dtype object, with date in row 1"),
        ([dt.time(3), dt.time(4), dt.time(5), dt.time(6)], TypeError, "with time in row 0"),
        (pd.DataFrame({"a": [1.0] * 4, "t": MOMENTS}), TypeError, "with Timestamp in row 0, column 1"),
        ([1.0, 2.0, np.nan, np.nan], ValueError, "Input y contains NaN: row 2 has nan"),
        ([1.0, None, 2.0, 3.0], ValueError, "Input y contains NaN: row 1 has None"),
        (pd.Series([1, 2, 3, None], dtype="Int64"), ValueError, "Input y contains NaN: row 3 has nan|<NA>"),
        (pd.Series([pd.NaT, 1.0, 2.0, 3.0], dtype=object), ValueError, "Input y contains NaN: row 0 has NaT"),
        ([1.0, 2.0, 3.0, -np.inf], ValueError, "Input y contains infinity: row 3 has -inf"),
        ([1, 2, 10**400, 3], ValueError, "Input y contains infinity: row 2 has inf"),
        ([[1, 2], [3, 4], [5, np.nan], [7, 8]], ValueError, "NaN: row 2, column 1 has nan"),
        (
            [1.0, 2.0, "n.d.", 3.0],
            ValueError,
            "y must hold numbers, could not convert string to float: 'n.d.' in row 2",
        ),
        (
            pd.Series(["1", "2", "3", "high"]),
            ValueError,
            "y must hold numbers, could not convert string to float: 'high' in row 3",
        ),
    ],
)
def test_targets_that_are_no_numbers(y, error, message):
    with pytest.raises(error, match=message):
        TabularMLPRegressor(**QUICK).fit(np.arange(4.0)[:, None], y)


def test_validation_targets_that_are_no_numbers():
    X = np.arange(4.0)[:, None]
    with pytest.raises(ValueError, match="Input y_val contains NaN: row 1 has nan"):
        TabularMLPRegressor(**QUICK).fit(X, X[:, 0], X_val=X + 0.5, y_val=[0.5, np.nan, 2.5, 3.5])


@pytest.mark.parametrize("quantiles", [[0.0], [1.0], [0.5, np.nan], [[0.5]], "half"])
def test_wrong_quantiles(quantiles):
    mlp = TabularMLPRegressor(n_members=1, max_iter=1, numeric_encoding="linear").fit(
        [[0.0], [1.0]], [0.0, 1.0]
    )
    with pytest.raises(ValueError, match="quantiles"):
        mlp.predict([[0.0]], quantiles=quantiles)


def test_one_class():
    with pytest.raises(ValueError, match="only one class is present"):
        TabularMLPClassifier().fit([[0.0], [1.0]], ["a", "a"])


def test_other_columns_at_predict():
    table, target = messy_table(40)
    mlp = TabularMLPRegressor(**QUICK).fit(table, target)
    with pytest.raises(ValueError, match="same order"):
        mlp.predict(table[table.columns[::-1]])
    with pytest.raises(ValueError, match="missing"):
        mlp.predict(table.drop(columns="city"))
    with pytest.raises(ValueError, match="'dust' was numbers in fit, got 'much' in row 2"):
        mlp.predict(table.assign(dust=[0.1, 0.2, "much", *range(37)]))
    with pytest.raises(sklearn.exceptions.NotFittedError):
        TabularMLPRegressor().predict(table)


def test_predictions_while_another_thread_fits():
    table, target = messy_table(60)
    mlp = TabularMLPRegressor(**QUICK).fit(table, target)
    expected = mlp.predict(table)
    fit = threading.Thread(target=lambda: [mlp.fit(table, target) for _ in range(3)])
    fit.start()
    while fit.is_alive():
        np.testing.assert_array_equal(mlp.predict(table), expected)
    fit.join()


def test_nothing_is_warned_of_in_an_ordinary_fit():
    table, target = messy_table(60)
    table = table.drop(columns="nothing")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TabularMLPClassifier(**QUICK).fit(table, classes_of(target)).predict(table)


@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
def test_text_is_warned_of_once_for_all_encodings(estimator):
    rng = np.random.default_rng(0)
    stray = rng.normal(size=60).round(2).astype(object)
    stray[7] = "n.d."
    table = pd.DataFrame({"day": [f"2024-03-{1 + row % 30:02}" for row in range(60)], "x": stray})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mlp = estimator(n_members=1, max_iter=1, random_state=0).fit(table, rng.integers(0, 2, 60))
    assert len(mlp.encoding_losses_) > 1
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert "'day' is text, and each of its 30 values is a date" in messages[0]
    assert "'x' has numbers, and 'n.d.' in row 7" in messages[1]


# ---- weights of columns ------------------------------------------------------------------------------------


def columns_of_little_use(n_rows=500):
    """Return a table of 20 columns, of which the first two alone say what class a row has."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 20))
    return X, np.where(X[:, 0] * X[:, 1] > 0, "same", "other")


def test_columns_that_matter_little_get_small_weights():
    X, y = columns_of_little_use()
    settings = {"n_members": 3, "max_iter": 40, "random_state": 0}
    without = TabularMLPClassifier(column_weights=False, **settings).fit(X[:350], y[:350])
    mlp = TabularMLPClassifier(**settings).fit(X[:350], y[:350])
    assert without.column_weights_ is None
    assert not any(history["weighted_columns"] for history in without.history_)
    assert all(history["weighted_columns"] for history in mlp.history_)
    plain = mlp.encoding_losses_[mlp.numeric_encoding_]
    assert mlp.encoding_losses_[f"{mlp.numeric_encoding_}, weighted columns"] < 0.8 * plain
    assert mlp.column_weights_.shape == (20,)
    assert mlp.column_weights_[:2].min() > 0.9 > 0.4 > np.median(mlp.column_weights_[2:])
    assert mlp.score(X[350:], y[350:]) > without.score(X[350:], y[350:]) + 0.03


def test_networks_with_weights_take_the_encoders_inputs():
    """The weights of columns go into the first layer: out-of-fold predictions are those of the members."""
    X, y = columns_of_little_use(200)
    seen = {}

    def callback(epoch):
        seen[epoch.member, epoch.weighted_columns, epoch.epoch] = epoch.network.copy()

    mlp = TabularMLPClassifier(
        5, max_iter=6, weight_decay=0.0, random_state=0, numeric_encoding="linear", callback=callback
    ).fit(X, y)
    assert {history["weighted_columns"] for history in mlp.history_} == {True}
    inputs = mlp.encoder_.transform(X)
    for member, network in enumerate(mlp.members_):
        own = np.all(np.isclose(network.predict(inputs), mlp.oof_prediction_, atol=1e-12), axis=1)
        assert own.sum() == 40  # one fold
        history = mlp.history_[member]
        at_best = seen[member, True, history["best_epoch"]]
        np.testing.assert_array_equal(at_best.weights[0], network.weights[0])


def test_a_callback_that_ends_the_first_network_ends_the_measurement_of_columns_too():
    X, y = columns_of_little_use(120)
    mlp = TabularMLPClassifier(callback=lambda epoch: True, random_state=0).fit(X, y)
    assert set(mlp.encoding_losses_) == {"linear", "both"}
    assert {history["stop_reason"] for history in mlp.history_} == {"callback"}


def test_constant_columns_change_no_weights():
    X, y = columns_of_little_use(200)
    table = np.concatenate([X, np.ones((200, 60))], axis=1)
    mlp = TabularMLPClassifier(2, column_weights=True, max_iter=20, random_state=0).fit(table, y)
    assert f"{mlp.numeric_encoding_}, weighted columns" in mlp.encoding_losses_
    if mlp.column_weights_ is not None:
        assert mlp.column_weights_[:20].min() < 0.5
        assert (mlp.column_weights_[20:] == 1.0).all()


def test_with_validation_rows_all_members_have_the_same_weights():
    X, y = columns_of_little_use(300)
    settings = {"max_iter": 10, "random_state": 0, "column_weights": True, "label_smoothing": 0.1}
    data = {"X": X[100:], "y": y[100:], "X_val": X[:100], "y_val": y[:100]}
    one, three = (TabularMLPClassifier(members, **settings).fit(**data) for members in (1, 3))
    np.testing.assert_allclose(one.column_weights_, three.column_weights_, rtol=1e-14)


def test_encodings_with_and_without_weights_are_used_side_by_side():
    """A weighted encoding was trained last, whatever its place is: the union failed."""
    rng = np.random.default_rng(218)
    X = rng.normal(size=(60, 3))
    y = np.sin(2 * X[:, 0]) + 0.3 * X[:, 1] + 0.3 * rng.normal(size=60)
    mlp = TabularMLPRegressor(
        5, max_iter=8, hidden_layer_sizes=(32,), random_state=0, column_weights=True
    ).fit(X, y)
    assert mlp.numeric_encoding_ in ("both", "fine", "both+fine")
    assert np.isfinite(mlp.predict(X)).all()


@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
def test_weights_of_columns_can_be_asked_for(estimator):
    X, y = columns_of_little_use(120)
    y = y if estimator is TabularMLPClassifier else X[:, 0] * X[:, 1]
    settings = {"n_members": 1, "max_iter": 4, "random_state": 0}
    assert len(estimator(**settings).fit(X, y).encoding_losses_) == 2
    mlp = estimator(column_weights=True, **settings).fit(X[50:], y[50:], X_val=X[:50], y_val=y[:50])
    assert sum(name.endswith(", weighted columns") for name in mlp.encoding_losses_) == 1
    alone = estimator(column_weights=True, **settings).fit(X[:, :1], y)
    assert alone.column_weights_ is None
    with pytest.raises(ValueError, match="column_weights"):
        estimator(column_weights="yes", **settings).fit(X, y)


def test_a_limit_of_time_holds_for_the_measurement_of_columns_too():
    X, y = columns_of_little_use()
    began = time.monotonic()
    with pytest.warns(TimeLimitWarning):
        mlp = TabularMLPClassifier(max_iter=100_000, max_time=2.0, random_state=0).fit(X, y)
    assert time.monotonic() - began < 10.0
    assert len(mlp.members_) >= 1
