"""Sparse rows of inputs: the bits of the same numbers in an array, at the cost of those that are not 0."""

import subprocess
import sys
import types
import warnings

import ferroprop as fp
import numpy as np
import pytest
import scipy.sparse as sp
from ferroprop import ensemble
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

RNG = np.random.default_rng(0)


def rows(n, columns, density=0.2, dtype="float32", seed=0):
    """Return a sparse matrix and targets from 0 to 1."""
    X = sp.random(n, columns, density, format="csr", dtype=dtype, random_state=seed)
    X.data -= 0.3
    return X, (np.random.default_rng(seed).random((n, 1)) > 0.5).astype(dtype)


def one_of(y, k):
    """Return targets of k classes."""
    return np.eye(k, dtype=y.dtype)[np.arange(len(y)) % k]


NETWORKS = {
    "narrow": [12, 9, 3],  # rows along the lanes
    "wide": [90, 21, 3],
    "many units": [90, 70, 2],
    "no hidden layer": [90, 3],
    "one output alone": [90, 1],
    "one unit first": [70, 1, 3],
    "deep": [80, 33, 17, 2],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_a_training_has_the_bits_of_one_on_an_array(sizes, dtype, activation):
    X, y = rows(150, sizes[0], dtype=dtype)
    Y = one_of(y, sizes[-1]) if sizes[-1] > 1 else y
    weight = np.linspace(0.5, 2.0, len(Y))
    for optimizer, batch_size, n_threads in [("rprop", None, 1), ("adam", 32, 2), ("sgd", 150, 3)]:
        trained = []
        for inputs in (X.toarray(), X, sp.csc_array(X), sp.coo_matrix(X)):
            net = fp.Network(sizes, activation=activation, output_activation="logistic", dtype=dtype, seed=1)
            history = fp.train(
                net, inputs, Y, loss="log_loss", optimizer=optimizer, batch_size=batch_size, epochs=5,
                alpha=0.01, sample_weight=weight, validation=(inputs[:40] if inputs is X else X[:40], Y[:40]),
                seed=3, n_threads=n_threads,
            )  # fmt: skip
            trained.append((net.parameter_vector, history.loss, history.validation_loss))
        for parameters, loss, validation_loss in trained[1:]:
            np.testing.assert_array_equal(parameters, trained[0][0])
            assert (loss, validation_loss) == trained[0][1:]


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 700),
    columns=st.integers(1, 120),
    units=st.integers(1, 70),
    density=st.floats(0.0, 1.0),
    batch_size=st.none() | st.integers(1, 300),
    n_threads=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_any_matrix(n, columns, units, density, batch_size, n_threads, seed):
    X, y = rows(n, columns, density, seed=seed)
    trained = []
    for inputs, threads in ((X.toarray(), 1), (X, n_threads)):
        net = fp.Network([columns, units, 1], seed=seed, dtype="float32")
        fp.train(net, inputs, y, optimizer="adam", batch_size=batch_size, epochs=2, seed=0, n_threads=threads)
        trained.append((net.parameter_vector, net.predict(inputs, n_threads=threads)))
    for ours, dense in zip(trained[1], trained[0], strict=True):
        np.testing.assert_array_equal(ours, dense)


@pytest.mark.parametrize("sizes", [[12, 9, 3], [300, 40, 3], [300, 1]])
def test_other_functions(sizes):
    X, y = rows(130, sizes[0], dtype="float64")
    Y = one_of(y, sizes[-1]) if sizes[-1] > 1 else y
    net = fp.Network(sizes, activation="tanh", output_activation="logistic", seed=0)
    dense = X.toarray()
    for n_threads in (1, 2):
        np.testing.assert_array_equal(net.predict(X, n_threads=n_threads), net.predict(dense))
    np.testing.assert_array_equal(net.predict(X[:1]), net.predict(dense)[:1])
    if len(sizes) > 2:
        np.testing.assert_array_equal(net.hidden(X), net.hidden(dense))
        ours, theirs = (net.predict(x, samples=5, dropout=0.3, return_std=True) for x in (X, dense))
        np.testing.assert_array_equal(ours, theirs)
    ours, theirs = (net.loss_and_gradients(x, Y, loss="log_loss", alpha=0.1) for x in (X, dense))
    assert ours[0] == theirs[0]
    for a, b in zip(ours[1] + ours[2], theirs[1] + theirs[2], strict=True):
        np.testing.assert_array_equal(a, b)


def test_noise_and_own_losses():
    X, y = rows(200, 90)
    Y = one_of(y, 2)

    def own(outputs, targets):
        return ((outputs - targets) ** 2).sum(axis=1), 2 * (outputs - targets)

    bernoulli = fp.Bernoulli("straight_through", samples=3)
    for activation, dropout, loss in [
        ("relu", 0.3, own),
        (bernoulli, 0.0, "squared_error"),
        ("relu", 0.5, None),
    ]:
        trained = []
        for inputs in (X.toarray(), X):
            net = fp.Network([90, 20, 2], activation=activation, seed=0, dtype="float32")
            fp.train(
                net, inputs, Y, optimizer="adam", batch_size=64, epochs=3, dropout=dropout, loss=loss, seed=1
            )
            trained.append(net.parameter_vector)
        np.testing.assert_array_equal(*trained)


def test_several_networks_on_listed_rows():
    X, y = rows(120, 200)
    folds = [RNG.permutation(120)[:80] for _ in range(3)] + [RNG.integers(0, 120, 120), [5] * 70]
    trained = []
    for inputs in (X.toarray(), X):
        nets = [fp.Network([200, 15, 1], seed=seed, dtype="float32") for seed in range(5)]
        histories = fp.train_many(
            nets, inputs, y, rows=folds, validation_rows=[np.arange(20)] * 5, optimizer="adam", batch_size=16,
            epochs=3, seed=list(range(5)),
        )  # fmt: skip
        trained.append(
            [
                (net.parameter_vector.tolist(), h.validation_loss)
                for net, h in zip(nets, histories, strict=True)
            ]
        )
    assert trained[0] == trained[1]


def test_a_checkpoint_resumes(tmp_path):
    X, y = rows(150, 200)

    def train(epochs, path=None):
        net = fp.Network([200, 12, 1], seed=0, dtype="float32")
        fp.train(net, X, y, optimizer="adam", batch_size=40, epochs=epochs, seed=2, checkpoint=path)
        return net.parameter_vector

    path = tmp_path / "checkpoint.safetensors"
    train(3, path)
    np.testing.assert_array_equal(train(6, path), train(6))
    other = X.copy()
    other.data[7] += 1
    with pytest.raises(ValueError, match="X"):
        fp.train(
            fp.Network([200, 12, 1], seed=0, dtype="float32"), other, y, optimizer="adam", batch_size=40,
            epochs=9, seed=2, checkpoint=path,
        )  # fmt: skip


def test_forms_that_scipy_allows():
    dense = np.array([[0.0, 2.0, 0.0, 1.0], [3.0, 0.0, 0.0, 0.0]])
    net = fp.Network([4, 5, 1], seed=0)
    expected = net.predict(dense)
    unsorted = sp.csr_array(
        (np.array([1.0, 2.0, 3.0]), np.array([3, 1, 0]), np.array([0, 2, 3])), shape=(2, 4)
    )
    doubled = sp.csr_array(
        (np.array([1.0, 0.5, 1.5, 3.0]), np.array([3, 1, 1, 0]), np.array([0, 3, 4])), shape=(2, 4)
    )
    explicit = sp.csr_array(dense)
    explicit.data[0] = 0.0
    for X in (unsorted, doubled):
        before = [array.copy() for array in (X.data, X.indices, X.indptr)]
        np.testing.assert_array_equal(net.predict(X), expected)
        for array, was in zip((X.data, X.indices, X.indptr), before, strict=True):
            np.testing.assert_array_equal(array, was)
    np.testing.assert_array_equal(net.predict(explicit), net.predict(explicit.toarray()))
    for make in (sp.csc_matrix, sp.coo_array, sp.lil_matrix, sp.dok_array, sp.bsr_array, sp.dia_array):
        np.testing.assert_array_equal(net.predict(make(dense)), expected)
    for dtype in (np.float32, np.int64, np.uint8, bool):
        X = sp.csr_array(dense.astype(dtype))
        np.testing.assert_array_equal(net.predict(X), net.predict(X.toarray()))
    wide = sp.csr_array(dense)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    np.testing.assert_array_equal(net.predict(wide), expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, bool])
def test_elements_of_one_place_are_added_as_by_toarray(dtype):
    rng = np.random.default_rng(0)
    net = fp.Network([4, 3], seed=0)
    for _ in range(50):
        numbers = (100 * rng.standard_normal(60)).astype(dtype)
        X = sp.csr_array((numbers, rng.integers(0, 4, 60), [0, 25, 25, 60]), shape=(3, 4))
        np.testing.assert_array_equal(net.predict(X), net.predict(X.toarray()))
        assert X.nnz == 60


def test_arrays_may_be_longer_than_the_rows():
    X = broken(indices=[0, 1, 2, 9], data=[1.0, 1.0, 1.0, np.nan])
    net = fp.Network([4, 3], seed=0)
    np.testing.assert_array_equal(net.predict(X), net.predict(np.eye(3, 4)))


def test_lists_do_not_need_scipy(monkeypatch):
    net = fp.Network([4, 3], seed=0)
    expected = net.predict([[1.0, 2.0, 3.0, 4.0]])
    for module in (None, types.ModuleType("scipy.sparse")):
        monkeypatch.setitem(sys.modules, "scipy.sparse", module)
        np.testing.assert_array_equal(net.predict([[1.0, 2.0, 3.0, 4.0]]), expected)


@pytest.mark.parametrize("form", [sp.csr_array, sp.csc_array])
def test_bagging(form):
    X, y = rows(60, 90, dtype="float64")
    dense = X.toarray()
    members = fp.MLPRegressor(hidden_layer_sizes=(4,), solver="rprop", max_iter=3, random_state=0)
    bagging = ensemble.BaggingRegressor(members, random_state=0, n_jobs=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = (clone(bagging).fit(x, y[:, 0]) for x in (form(X), dense))
    for x in (form(X), sp.csr_array(X), dense):
        np.testing.assert_array_equal(ours.predict(x), theirs.predict(dense))


def broken(**arrays):
    X = sp.csr_array(np.eye(3, 4))
    for name, array in arrays.items():
        setattr(X, name, np.asarray(array))
    X.has_canonical_format = True
    return X


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (sp.csr_array(np.full((2, 4), np.nan)), ValueError, r"^X must hold finite numbers, got .*\[0, 0\]"),
        (sp.csr_array([[0, 0, 0, 1], [0, 0, np.inf, 0]]), ValueError, r"finite numbers, got inf at \[1, 2\]"),
        (sp.csr_array([[0, 0, 1e300, 0]]), ValueError, r"float32 can hold, got 1e\+300 at \[0, 2\]"),
        (sp.csr_array(np.ones((2, 3))), ValueError, r"shape \(n, 4\).* got \(2, 3\)"),
        (sp.csr_array((0, 4)), ValueError, r"n at least 1"),
        (sp.csr_array(np.ones((2, 4)) * 1j), TypeError, "X must hold real numbers, got dtype complex128"),
        (sp.coo_array(np.ones(4)), ValueError, r"X must have 2 dimension\(s\), got shape \(4,\)"),
        (
            broken(indices=[0, 1, 7]),
            ValueError,
            "X must be a valid sparse matrix, got one with invalid indices",
        ),
        (broken(indices=[0, 1, -1]), ValueError, "invalid indices"),
        (broken(indices=[0, 1]), ValueError, "invalid indices"),
        (broken(indices=[0, 1, 1.7]), ValueError, "invalid indices"),
        (broken(indptr=[0, 2, 1, 3]), ValueError, "an invalid indptr"),
        (broken(indptr=[0, 1, 2, 9]), ValueError, "invalid indices"),
        (broken(indptr=[1, 1, 2, 3]), ValueError, "an invalid indptr"),
        (broken(indptr=[0, 1, 2]), ValueError, "an invalid indptr"),
        (broken(indptr=np.zeros(0, int)), ValueError, "an invalid indptr"),
        (broken(data=[1.0, 1e300]), ValueError, "invalid data"),
        (broken(data=np.ones((3, 1))), ValueError, "invalid data"),
        (broken(data=[1.0, 1.0, 1e300], indptr=[1, 1, 2, 3]), ValueError, "an invalid indptr"),
    ],
)
def test_errors_name_the_place(X, error, message):
    net = fp.Network([4, 5, 1], seed=0, dtype="float32")
    before = net.parameter_vector
    with pytest.raises(error, match=message):
        net.predict(X)
    with pytest.raises(error, match=message):
        fp.train(net, X, np.zeros((X.shape[0], 1)), epochs=1)
    np.testing.assert_array_equal(net.parameter_vector, before)


def test_where_sparse_rows_cannot_be():
    X, y = rows(20, 6, dtype="float64")
    with pytest.raises(TypeError, match=r"X must be a dense array, got .*X\.toarray\(\)"):
        fp.Network([6, 3, 1], dtype="complex128").predict(X)
    with pytest.raises(TypeError, match=r"Y must be a dense array, got .*Y\.toarray\(\)"):
        fp.train(fp.Network([6, 1]), X, sp.csr_array(y))
    with pytest.raises((TypeError, ValueError), match="X"):
        fp.RecurrentNetwork([6, 3, 1]).predict(X)
    net = fp.Network([6, 3, 1], seed=0)
    with pytest.raises(ValueError, match=r"X must be a dense matrix in this function, got .* \(20, 6\)"):
        net.layer_values(X, y)
    with pytest.raises(TypeError, match=r"X\.toarray\(\)"):
        net.input_gradient(X)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "rprop", "lbfgs"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_estimators(solver, dtype):
    X, y = rows(300, 150, 0.1, dtype=dtype)
    dense, labels = X.toarray(), y[:, 0].astype(int)
    options = {"solver": solver, "hidden_layer_sizes": (20,), "max_iter": 6, "random_state": 0}
    if solver != "lbfgs":
        options |= {"early_stopping": True, "n_iter_no_change": 100}
    mlps = [fp.MLPClassifier(**options).fit(x, labels) for x in (dense, X, sp.csc_matrix(X))]
    for mlp in mlps[1:]:
        for a, b in zip(mlp.coefs_ + mlp.intercepts_, mlps[0].coefs_ + mlps[0].intercepts_, strict=True):
            np.testing.assert_array_equal(a, b)
        for x in (X, sp.csc_matrix(X)):
            np.testing.assert_array_equal(mlp.predict_proba(x), mlps[0].predict_proba(dense))
            np.testing.assert_array_equal(mlp.transform(x), mlps[0].transform(dense))
            np.testing.assert_array_equal(mlp.predict_gradient(x[:5]), mlps[0].predict_gradient(dense[:5]))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("sparse_first", [True, False])
def test_validation_rows_may_have_another_form(sparse_first):
    X, y = rows(200, 90, dtype="float64")
    forms = (X, X.toarray()) if sparse_first else (X.toarray(), X)
    options = {"hidden_layer_sizes": (8,), "early_stopping": True, "max_iter": 5, "random_state": 0}
    mlp = fp.MLPRegressor(**options).fit(forms[0][:150], y[:150, 0], X_val=forms[1][150:], y_val=y[150:, 0])
    same = fp.MLPRegressor(**options).fit(forms[0][:150], y[:150, 0], X_val=forms[0][150:], y_val=y[150:, 0])
    np.testing.assert_array_equal(mlp.coefs_[0], same.coefs_[0])
    assert mlp.validation_scores_ == same.validation_scores_


def test_partial_fit():
    X, y = rows(90, 80, dtype="float64")
    mlps = [fp.MLPRegressor(hidden_layer_sizes=(7,), random_state=0) for _ in range(2)]
    for first in range(0, 90, 30):
        for mlp, x in zip(mlps, (X, X.toarray()), strict=True):
            mlp.partial_fit(x[first : first + 30], y[first : first + 30, 0])
    np.testing.assert_array_equal(mlps[0].coefs_[0], mlps[1].coefs_[0])


WIDE = """
import resource, sys
import numpy as np, scipy.sparse as sp, ferroprop as fp
columns = np.random.default_rng(0).integers(0, 250_000, 4000 * 50)
X = sp.csr_matrix((np.ones(4000 * 50, "float32"), columns, np.arange(0, 4000 * 50 + 1, 50)), (4000, 250_000))
y = np.arange(4000) % 2
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
mlp = fp.MLPClassifier((2,), solver="adam", max_iter=2, early_stopping=True, random_state=0)
import warnings; warnings.simplefilter("ignore")
mlp.fit(X, y)
mlp.predict_proba(X)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
def test_memory_does_not_hold_the_zeros():
    """The whole matrix would take 4 GB; 500,000 parameters, with the memory of Adam and copies, do not."""
    done = subprocess.run([sys.executable, "-c", WIDE], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 400
