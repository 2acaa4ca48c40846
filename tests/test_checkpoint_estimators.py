"""A fit that is stopped anywhere and called again ends as one that never was."""

import json
import re
import warnings

import ferroprop as fp
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(2)
X = rng.normal(size=(80, 4))
LABELS = np.where(X[:, 0] + X[:, 1] ** 2 > 1, "yes", "no")
VALUES = X[:, :2] ** 2

CASES = {
    "adam": {},
    "adamw": {"solver": "adamw", "early_stopping": True},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 2},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "shuffle": False},
    "rprop": {"solver": "rprop", "restore_best": True},
    "irprop-": {"solver": "irprop-", "dropout": 0.2},
    "grprop": {"solver": "grprop"},
    "sarprop": {"solver": "sarprop"},
    "object": {"solver": fp.Adam(0.02), "batch_size": 13, "dropout": [0.1]},
    "scored": {"early_stopping": True, "scoring": "loss", "batch_size": 10},
}


def estimator(kind, **parameters):
    return kind(hidden_layer_sizes=(6,), **{"max_iter": 15, "random_state": 4, **parameters})


def targets(kind):
    return LABELS if kind is fp.MLPClassifier else VALUES


def attributes(model):
    """Return all that a fit leaves, as plain values and bytes."""
    left = {name: value for name, value in vars(model).items() if name.endswith("_")}
    left = {name: str(value) if "binarizer" in name else value for name, value in left.items()}
    for name in ["coefs_", "intercepts_"]:
        left[name] = [array.tobytes() for array in left[name]]
    left["optimizer"] = {
        name: value.tobytes() if isinstance(value, np.ndarray) else value
        for name, value in model.__getstate__()["_optimizer"]["memory"].items()
    }
    return repr(left)


def stop_after(epoch):
    return lambda told: told.epoch == epoch


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", [fp.MLPClassifier, fp.MLPRegressor])
def test_the_same_fit_wherever_it_stops(kind, case, dtype, tmp_path):
    data = X.astype(dtype), targets(kind)
    expected = attributes(estimator(kind, **CASES[case]).fit(*data))
    for stop in [1, 7]:
        path = tmp_path / f"{stop}.ckpt"
        for stop_here in [stop, stop + 3]:
            model = estimator(kind, checkpoint=path, checkpoint_every=2, **CASES[case])
            model.set_params(callback=stop_after(stop_here)).fit(*data)
        again = estimator(kind, checkpoint=path, **CASES[case]).fit(*data)
        assert attributes(again) == expected
        assert attributes(clone(again).fit(*data)) == expected


@pytest.mark.parametrize("generator", [None, "instance", "pcg"], ids=str)
def test_any_generator(generator, tmp_path):
    """The draws of a fit that goes on are those of the fit that was stopped."""

    def random_state():
        if generator == "instance":
            return np.random.RandomState(11)
        return np.random.RandomState(np.random.PCG64(3)) if generator == "pcg" else generator

    def fit(state, **parameters):
        model = estimator(fp.MLPClassifier, early_stopping=True, random_state=state, **parameters)
        return model.fit(X, LABELS)

    path = tmp_path / "run.ckpt"
    if generator is None:
        np.random.seed(5)  # noqa: NPY002
    whole = random_state()
    expected = attributes(fit(whole))
    if generator is None:
        np.random.seed(5)  # noqa: NPY002
    parts = random_state()
    fit(parts, checkpoint=path, callback=stop_after(4))
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    for _ in range(2):
        assert attributes(fit(parts, checkpoint=path)) == expected
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


def test_a_generator_is_left_where_the_whole_fit_leaves_it(tmp_path):
    path = tmp_path / "run.ckpt"
    whole, parts = np.random.RandomState(1), np.random.RandomState(1)
    estimator(fp.MLPRegressor, random_state=whole).fit(X, VALUES)
    for stop in [4, None, None]:
        model = estimator(fp.MLPRegressor, random_state=parts, checkpoint=path)
        model.set_params(callback=stop and stop_after(stop)).fit(X, VALUES)
    assert parts.random_sample() == whole.random_sample()


def test_what_is_only_watched_is_remembered(tmp_path):
    path = tmp_path / "run.ckpt"
    given = {"X_val": X[::2] + 0.1, "y_val": LABELS[::2]}
    expected = estimator(fp.MLPClassifier).fit(X, LABELS, **given)
    estimator(fp.MLPClassifier, checkpoint=path, callback=stop_after(6)).fit(X, LABELS, **given)
    model = estimator(fp.MLPClassifier, checkpoint=path).fit(X, LABELS, **given)
    assert model.validation_loss_curve_ == expected.validation_loss_curve_
    assert model.validation_scores_ == expected.validation_scores_
    assert len(model.validation_scores_) == 15


def test_more_iterations(tmp_path):
    path = tmp_path / "run.ckpt"
    estimator(fp.MLPRegressor, checkpoint=path).fit(X, VALUES)
    model = estimator(fp.MLPRegressor, checkpoint=path, max_iter=25).fit(X, VALUES)
    assert attributes(model) == attributes(estimator(fp.MLPRegressor, max_iter=25).fit(X, VALUES))


def test_the_warning_comes_each_time(tmp_path):
    for _ in range(2):
        with pytest.warns(ConvergenceWarning, match=re.escape("Maximum iterations (15) reached")):
            estimator(fp.MLPRegressor, checkpoint=tmp_path / "run.ckpt").fit(X, VALUES)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"hidden_layer_sizes": (5,)}, "network was"),
        ({"activation": "tanh"}, "network was"),
        ({"random_state": 5}, "network's first parameters"),
        ({"alpha": 0.5}, "alpha"),
        ({"solver": "rprop"}, "batch_size|optimizer"),
        ({"learning_rate_init": 0.1}, "optimizer"),
        ({"batch_size": 5}, "batch_size"),
        ({"early_stopping": True}, "X|Y"),
        ({"shuffle": False}, "shuffle"),
        ({"tol": 0.5}, "tolerance"),
        ({"class_weight": "balanced"}, "sample_weight"),
        ({"label_smoothing": 0.1}, "loss"),
        ({"dropout": 0.1}, "dropout"),
    ],
)
def test_another_fit(changes, name, tmp_path):
    path = tmp_path / "run.ckpt"
    estimator(fp.MLPClassifier, checkpoint=path).fit(X, LABELS)
    before = path.read_bytes()
    model = estimator(fp.MLPClassifier, checkpoint=path).set_params(**changes)
    with pytest.raises(ValueError, match=rf"run\.ckpt is of another training: ({name})"):
        model.fit(X, LABELS)
    assert not hasattr(model, "coefs_")
    assert path.read_bytes() == before


def test_what_has_no_checkpoints(tmp_path):
    path = str(tmp_path / "run.ckpt")
    with pytest.raises(ValueError, match="checkpoint is not for solver='lbfgs'"):
        estimator(fp.MLPRegressor, solver="lbfgs", checkpoint=path).fit(X, VALUES)
    with pytest.raises(ValueError, match="warm_start must be False with a checkpoint"):
        estimator(fp.MLPRegressor, warm_start=True, checkpoint=path).fit(X, VALUES)
    for value in [3, b"run.ckpt"]:
        with pytest.raises(ValueError, match="'checkpoint' parameter"):
            estimator(fp.MLPRegressor, checkpoint=value).fit(X, VALUES)
    with pytest.raises(ValueError, match="'checkpoint_every' parameter"):
        estimator(fp.MLPRegressor, checkpoint=path, checkpoint_every=0).fit(X, VALUES)
    estimator(fp.MLPRegressor, checkpoint=path).initialize(X, VALUES).partial_fit(X, VALUES)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_a_training_without_estimator(tmp_path):
    path = tmp_path / "run.ckpt"
    fp.train(fp.Network([4, 1]), X, VALUES[:, :1], epochs=1, checkpoint=path)
    with pytest.raises(ValueError, match=r"run\.ckpt must be one that an estimator has saved"):
        estimator(fp.MLPRegressor, checkpoint=path).fit(X, VALUES)


def with_generator(state, name="MT19937", **more):
    more = more or ({"has_gauss": 0, "gauss": 0.0} if name == "MT19937" else {})
    generator = {"bit_generator": name, "state": state, **more}
    return json.dumps({"generator": generator, "n_validation_losses": 0})


@pytest.mark.parametrize(
    "note",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"generator": {}, "n_validation_losses": 0}',
        '{"generator": 3, "n_validation_losses": 0}',
        '{"generator": {"bit_generator": "seed", "state": 0}, "n_validation_losses": 0}',
        with_generator({"key": [1, 2], "pos": 3}),
        with_generator({"key": [1] * 624, "pos": 625}),
        with_generator({"key": [1] * 624, "pos": -1}),
        with_generator({"key": [1] * 624, "pos": 10**9}),
        with_generator({"key": [1] * 623 + [2**32], "pos": 3}),
        with_generator({"key": [1] * 623 + ["x"], "pos": 3}),
        with_generator({"state": 1, "inc": 1}, "PCG64"),
        with_generator({"state": 1, "inc": 2**128}, "PCG64", has_uint32=0, uinteger=0),
        with_generator({"state": 1, "inc": 1}, "SFC64", has_uint32=0, uinteger=0),
        '{"generator": GOOD, "n_validation_losses": 4}',
        '{"generator": GOOD, "n_validation_losses": -1}',
        '{"generator": GOOD, "n_validation_losses": "a"}',
        '{"generator": GOOD, "n_validation_losses": 0, "more": 0}',
        '{"generator": GOOD}',
        "[" * 100_000,
    ],
)
def test_notes_that_no_estimator_wrote(note, tmp_path):

    path = tmp_path / "run.ckpt"
    state = np.random.RandomState(3).get_state(legacy=False)
    state["state"]["key"] = state["state"]["key"].tolist()
    note = note.replace("GOOD", json.dumps(state))
    noted = fp._core.NotedCheckpoint(path, lambda: (note, [1.0, 2.0, 3.0]))
    fp.train(fp.Network([4, 2]), X, VALUES, epochs=1, checkpoint=noted)
    with pytest.raises(ValueError, match=r"run\.ckpt must be one that an estimator has saved"):
        fp.MLPRegressor(checkpoint=path).fit(X, VALUES)


def test_a_generator_that_cannot_be_saved(tmp_path):
    state = np.random.RandomState(np.random.Philox(3))
    with pytest.raises(
        ValueError, match=r"random_state must .* MT19937 or PCG64 .* with a checkpoint, got .*Philox"
    ):
        estimator(fp.MLPRegressor, random_state=state, checkpoint=tmp_path / "run.ckpt").fit(X, VALUES)


def test_ctrl_c_in_a_callback(tmp_path):
    def interrupt(told):
        if told.epoch == 5:
            raise KeyboardInterrupt

    path = tmp_path / "run.ckpt"
    with pytest.warns(UserWarning, match="interrupted"):
        model = estimator(fp.MLPClassifier, checkpoint=path, callback=interrupt).fit(X, LABELS)
    assert model.n_iter_ == 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = estimator(fp.MLPClassifier, checkpoint=path).fit(X, LABELS)
        assert attributes(model) == attributes(estimator(fp.MLPClassifier).fit(X, LABELS))
