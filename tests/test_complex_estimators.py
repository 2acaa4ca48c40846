"""`ComplexMLPRegressor` and `ComplexMLPClassifier`."""

import pickle

import ferroprop as fp
import numpy as np
import pandas as pd
import pytest
from ferroprop import ComplexMLPClassifier, ComplexMLPRegressor
from scipy.sparse import csr_matrix
from sklearn.base import clone

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def numbers(rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, columns)) + 1j * rng.normal(size=(rows, columns))


Z = numbers(240, 3)
T = Z @ numbers(3, 2, 1) + 0.3 * abs(Z[:, :2]) * Z[:, :2]
LABELS = np.array(["ahead", "behind", "beside"])[np.digitize(np.angle(Z[:, 0] * Z[:, 1].conj()), [-1, 1])]


@pytest.mark.parametrize(
    "solver", ["rprop", "adam", "sgd", "lbfgs", "lbfgs-scipy", "adamw", fp.GRprop()], ids=str
)
def test_a_regressor_learns(solver):
    mlp = ComplexMLPRegressor(
        hidden_layer_sizes=(20,), activation="siglog", solver=solver, max_iter=200, learning_rate_init=0.01
    )
    mlp.set_params(random_state=0).fit(Z, T)
    assert mlp.score(Z, T) > 0.8
    assert {W.dtype for W in (*mlp.coefs_, *mlp.intercepts_)} == {np.dtype("complex128")}
    prediction = mlp.predict(Z)
    residual, spread = abs(T - prediction) ** 2, abs(T - T.mean(axis=0)) ** 2
    assert mlp.score(Z, T) == pytest.approx((1 - residual.sum(axis=0) / spread.sum(axis=0)).mean())
    assert mlp.fit(Z, T[:, 0]).predict(Z).shape == (240,)


@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
@pytest.mark.parametrize("labels", [LABELS, LABELS == "ahead"], ids=["three", "two"])
def test_a_classifier_learns(labels, solver):
    mlp = ComplexMLPClassifier((30,), activation="cardioid", solver=solver, random_state=0)
    mlp.fit(Z, labels)
    assert mlp.score(Z, labels) > 0.8
    probabilities = mlp.predict_proba(Z)
    assert probabilities.shape == (240, len(np.unique(labels))) == (240, mlp.n_outputs_)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    np.testing.assert_array_equal(mlp.predict(Z), mlp.classes_[probabilities.argmax(axis=1)])
    assert mlp.out_activation_ == "softmax"


def test_lbfgs_ends_where_least_squares_do():
    mlp = ComplexMLPRegressor(hidden_layer_sizes=(), alpha=0.0, solver="lbfgs", tol=1e-12, max_iter=1000).fit(
        Z, T
    )
    solution, *_ = np.linalg.lstsq(np.c_[Z, np.ones(240)], T, rcond=None)
    assert np.abs(np.r_[mlp.coefs_[0], mlp.intercepts_[0][None]] - solution).max() < 1e-5


def test_initial_weights_have_the_variance_of_real_ones():
    mlp = ComplexMLPRegressor(hidden_layer_sizes=(300,), random_state=0).initialize(
        numbers(2, 300), numbers(2, 1)
    )
    W = mlp.coefs_[0]
    assert (abs(W) ** 2).mean() == pytest.approx(2 / 600, rel=0.02)
    assert (W.real**2).mean() == pytest.approx((W.imag**2).mean(), rel=0.03)


def test_single_precision_stays():
    mlp = ComplexMLPRegressor(hidden_layer_sizes=(4,), max_iter=5).fit(
        Z.astype("complex64"), T.astype("complex64")
    )
    assert mlp.coefs_[0].dtype == mlp.predict(Z.astype("complex64")).dtype == "complex64"
    assert mlp.transform(Z.astype("complex64")).dtype == "complex64"
    mlp.fit(Z.real.astype("float32"), T.astype("complex64"))
    assert mlp.coefs_[0].dtype == "complex64"


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (
            ComplexMLPRegressor(hidden_layer_sizes=(9,), solver="rprop", early_stopping=True, random_state=1),
            T,
        ),
        (ComplexMLPClassifier((9,), early_stopping=True, class_weight="balanced", random_state=1), LABELS),
    ],
    ids=["regressor", "classifier"],
)
def test_what_estimators_do(estimator, target, tmp_path):
    first = clone(estimator).fit(Z, target)
    assert first.validation_scores_
    again = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(again.predict(Z), first.predict(Z))
    np.testing.assert_array_equal(clone(estimator).fit(Z, target).coefs_[0], first.coefs_[0])
    again.set_params(warm_start=True, max_iter=3).fit(Z, target)
    path = tmp_path / "fit.ckpt"
    settings = {"early_stopping": False, "solver": "adam", "checkpoint": path, "checkpoint_every": 2}
    short = clone(estimator).set_params(**settings, max_iter=4).fit(Z, target)
    resumed = clone(estimator).set_params(**settings, max_iter=8).fit(Z, target)
    whole = clone(estimator).set_params(**settings | {"checkpoint": None}, max_iter=8).fit(Z, target)
    np.testing.assert_array_equal(resumed.coefs_[0], whole.coefs_[0])
    assert len(short.loss_curve_) < len(resumed.loss_curve_) == len(whole.loss_curve_)
    weights = np.random.default_rng(0).uniform(size=240)
    clone(estimator).fit(Z, target, sample_weight=weights).score(Z, target, sample_weight=weights)
    given = clone(estimator).fit(Z[:200], target[:200], X_val=Z[200:], y_val=target[200:])
    assert given.validation_loss_curve_
    table = pd.DataFrame(Z, columns=["a", "b", "c"])
    named = clone(estimator).fit(table, target)
    assert named.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names should match"):
        named.predict(table.rename(columns={"a": "d"}))


def test_partial_fit():
    regressor = ComplexMLPRegressor(hidden_layer_sizes=(5,), solver="adam", random_state=0)
    for _ in range(3):
        regressor.partial_fit(Z, T)
    assert len(regressor.loss_curve_) == 3
    classifier = ComplexMLPClassifier((5,), random_state=0).partial_fit(
        Z[:5], LABELS[:5], classes=np.unique(LABELS)
    )
    assert classifier.partial_fit(Z, LABELS).predict_proba(Z).shape == (240, 3)


def test_real_targets_for_absolute_values():
    mlp = ComplexMLPRegressor(
        hidden_layer_sizes=(20,),
        activation="modrelu",
        solver="rprop",
        output_activation="abs",
        random_state=0,
    )
    target = abs(Z @ [1, 1j, -1])
    assert mlp.fit(Z, target).score(Z, target) > 0.9
    assert mlp.predict(Z).dtype == np.float64


def test_what_is_refused():
    regressor, classifier = (
        ComplexMLPRegressor(hidden_layer_sizes=(3,), max_iter=2),
        ComplexMLPClassifier((3,), max_iter=2),
    )
    with pytest.raises(ValueError, match=r"y must hold complex numbers, .* got dtype float64; .*'abs'"):
        regressor.fit(Z, T.real)
    with pytest.raises(TypeError, match="X must be a dense array"):
        regressor.fit(csr_matrix(Z), T)
    with pytest.raises(ValueError, match="X must hold finite numbers, got NaN or infinity"):
        regressor.fit(np.where(np.arange(720).reshape(240, 3) == 7, np.nan, Z), T)
    with pytest.raises(ValueError, match="X must hold complex numbers, got dtype <U1"):
        regressor.fit(np.full((240, 3), "a"), T)
    with pytest.raises(ValueError, match="X has 2 features, but ComplexMLPRegressor is expecting 3"):
        regressor.fit(Z, T).predict(Z[:, :2])
    with pytest.raises(ValueError, match="as many rows, got 240 and 2"):
        regressor.fit(Z, T[:2])
    with pytest.raises(ValueError, match="'loss' parameter of ComplexMLPRegressor"):
        ComplexMLPRegressor(loss="poisson").fit(Z, T)
    with pytest.raises(ValueError, match="'activation' parameter of MLPRegressor"):
        fp.MLPRegressor(activation="zrelu").fit(Z.real, T.real)
    with pytest.raises(AttributeError, match="no predict_gradient"):
        regressor.predict_gradient(Z)
    with pytest.raises(ValueError, match="scikit-learn has no networks"):
        classifier.fit(Z, LABELS).to_sklearn()
    with pytest.raises(TypeError, match="model must be a Network, an MLPClassifier or an MLPRegressor"):
        regressor.to_json()
    real = fp.MLPRegressor(hidden_layer_sizes=(3,), max_iter=2).fit(Z.real, T.real)
    real.coefs_[0] = real.coefs_[0] + 1j
    with pytest.raises(ValueError, match="coefs_ and intercepts_ must hold real numbers"):
        real.predict(Z.real)
