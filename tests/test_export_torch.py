"""PyTorch: the module computes what the network does, and comes back as the same network.

PyTorch is too large for CI; whoever changes this export installs it and runs these tests.
"""

import doctest
import pickle
import warnings

import ferroprop as fp
import numpy as np
import pytest
import reference
from ferroprop.export import from_torch, to_torch
from hypothesis import given
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler
from strategies import Problem, problems

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the export to it is not tested here")

from ferroprop.export import _torch, _torch_modules  # noqa: E402

nn = torch.nn
ALL_ACTIVATIONS = list(_torch.ACTIVATIONS)
HIDDEN_ACTIVATIONS = [name for name in ALL_ACTIVATIONS if name != "softmax"]
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}
"""Of differences, a layer, relative to the largest output, or to 1 where outputs are small."""

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def said(module, X):
    with torch.no_grad():
        return module(torch.tensor(np.array(X))).numpy()


def assert_close(actual, expected, layers=1):
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    scale = layers * max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_array_less(np.abs(actual - expected), TOLERANCE[actual.dtype.name] * scale)


def assert_same_network(actual, expected):
    assert repr(actual) == repr(expected)
    np.testing.assert_array_equal(actual.parameter_vector, expected.parameter_vector)


# ---- to PyTorch --------------------------------------------------------------------------------------------


def test_every_activation_has_its_module():
    assert set(ALL_ACTIVATIONS) == set(fp.ACTIVATIONS)


@given(problems(hidden=HIDDEN_ACTIVATIONS, outputs=ALL_ACTIVATIONS, loss_names=["squared_error"]))
def test_networks(problem: Problem):
    """Random layers, biases and activations; where rounding alone makes a difference, nothing is asked."""
    (expected,) = problem.reference_answer(
        lambda problem, dtype: [reference.predict(problem.layers(dtype), problem.X.astype(dtype))]
    )
    network = problem.network()
    module = network.to_torch()
    assert type(module) is nn.Sequential
    difference = np.abs(said(module, problem.X) - network.predict(problem.X)).max()
    tolerance = TOLERANCE[np.dtype(problem.dtype).name]
    assert difference <= tolerance * problem.n_layers * max(1.0, np.abs(expected).max())
    assert_same_network(from_torch(module), network)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "activation",
    [
        *ALL_ACTIVATIONS,
        fp.Logistic(2.5),
        fp.ELU(0.3),
        fp.LeakyReLU(0.3),
        fp.ScaledTanh(1.5, 0.5),
        fp.Sigmoid(2.0, 0.5, 1.0),
    ],
    ids=str,
)
def test_activations(activation, dtype):
    """Over all magnitudes: saturated, at their kinks, and where they are almost linear."""
    n_outputs = 3 if activation == "softmax" else 1
    network = fp.Network([1, n_outputs], output_activation=activation, bias=False, dtype=dtype)
    network.set_parameters([np.ones_like(network.weights[0])], [None])
    magnitudes = np.logspace(-30, 1.9, 400)
    X = np.concatenate([magnitudes, -magnitudes, [0.0, -0.0, 3.0, -3.0]])[:, None].astype(dtype)
    expected = network.predict(X)
    module = network.to_torch()
    scale = np.maximum(1.0, np.abs(expected))
    np.testing.assert_array_less(np.abs(said(module, X) - expected) / scale, TOLERANCE[dtype])
    assert_same_network(from_torch(module), network)
    again = pickle.loads(pickle.dumps(module))
    np.testing.assert_array_equal(said(again, X), said(module, X))


def test_a_module_has_its_own_parameters_and_can_be_trained():
    network = fp.Network([3, 4, 1], activation="tanh", seed=1)
    module = network.to_torch()
    before = network.parameter_vector.copy()
    module(torch.ones(2, 3)).sum().backward()
    torch.optim.SGD(module.parameters(), lr=0.1).step()
    np.testing.assert_array_equal(network.parameter_vector, before)
    assert (from_torch(module).parameter_vector != before).any()


def test_dtypes_and_loading_of_states():
    module = fp.Network([3, 4, 1], dtype="float64").to_torch()
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float64}
    plain = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)).double()
    plain.load_state_dict(module.state_dict())


def rows(n=60, width=4, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_estimators(dtype):
    X = rows(dtype=dtype)
    sums = X.sum(axis=1)
    regressor = fp.MLPRegressor(hidden_layer_sizes=(5,), max_iter=5).fit(X, X[:, :2])
    assert_close(said(regressor.to_torch(), X), regressor.predict(X), layers=2)
    single = fp.MLPRegressor(hidden_layer_sizes=(5,), max_iter=5, activation="gelu").fit(X, sums)
    assert_close(said(single.to_torch(), X)[:, 0], single.predict(X), layers=2)
    binary = fp.MLPClassifier((5,), max_iter=5).fit(X, np.where(sums > 0, "up", "down"))
    assert_close(said(binary.to_torch(), X), binary.predict_proba(X)[:, 1:], layers=2)
    three = fp.MLPClassifier((5,), max_iter=5).fit(X, np.digitize(sums, [-1, 1]))
    assert_close(said(three.to_torch(), X), three.predict_proba(X), layers=2)
    hinge = fp.MLPClassifier((5,), loss="hinge", max_iter=5).fit(X, sums > 0)
    assert_close(said(hinge.to_torch(), X)[:, 0], hinge.decision_function(X), layers=2)


def test_pipelines_of_numbers():
    X = rows()
    X[::7, 1] = np.nan
    steps = [
        SimpleImputer(add_indicator=True),
        make_column_transformer(
            (RobustScaler(), [2, 0]), (MinMaxScaler(clip=True), [1, 3]), ("passthrough", [4])
        ),
        MaxAbsScaler(),
    ]
    for scaler in (StandardScaler(), MinMaxScaler()):
        inner = fp.MLPRegressor(hidden_layer_sizes=(6,), max_iter=5)
        model = make_pipeline(*steps, TransformedTargetRegressor(inner, transformer=scaler))
        model.fit(X, np.nan_to_num(X).sum(axis=1))
        module = to_torch(model)
        assert_close(said(module, X)[:, 0], model.predict(X), layers=3)
        assert "Prepared" in repr(module)
        pickle.loads(pickle.dumps(module))
    with pytest.raises(ValueError, match=r"module\[0\] must be a Linear, .* got Prepared"):
        from_torch(module)


def test_pipelines_of_categories_are_refused():
    X = np.array([[1.0, 0], [2, 1], [3, 0]])
    model = make_pipeline(make_column_transformer((OneHotEncoder(), [1])), fp.MLPRegressor(max_iter=2))
    with pytest.raises(ValueError, match="column 'x1' is looked up in a table of categories"):
        to_torch(model.fit(X, X[:, 0]))


CELLS = ["rnn", "lstm", "gru"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [True, [True, False, False]], ids=["biases", "some"])
@pytest.mark.parametrize("returns", ["last", "every"])
@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_networks(cell, returns, bias, dtype):
    network = fp.RecurrentNetwork(
        [3, 7, 5, 4],
        cell=cell,
        returns=returns,
        output_activation="softmax",
        bias=bias,
        init="uniform",
        init_range=0.7,
        dtype=dtype,
        seed=1,
    )
    module = network.to_torch()
    assert type(module[0]) is {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
    rng = np.random.default_rng(0)
    for n, steps in [(6, 11), (1, 1), (2, 40)]:
        X = rng.normal(size=(n, steps, 3)).astype(dtype)
        assert_close(said(module, X), network.predict(X), layers=3)
    assert_same_network(from_torch(module), network)


def test_recurrent_estimators_and_relu():
    X = rows(40 * 8, 2).reshape(40, 8, 2)
    model = fp.RNNRegressor((5,), cell="rnn", activation="relu", max_iter=5).fit(X, X.sum(axis=(1, 2)))
    module = model.to_torch()
    assert_close(said(module, X)[:, 0], model.predict(X), layers=3)
    assert from_torch(module).activations == ["relu"]


def test_layers_of_torch_s_own():
    """Several layers in one module, with both of PyTorch's biases at work."""
    for kind in (nn.RNN, nn.LSTM, nn.GRU):
        module = nn.Sequential(
            kind(3, 5, num_layers=2, batch_first=True), _torch_modules.LastStep(), nn.Linear(5, 2), nn.Tanh()
        ).double()
        network = from_torch(module)
        X = rows(4 * 6, 3).reshape(4, 6, 3)
        assert_close(network.predict(X), said(module, X), layers=3)
        assert network.cell == kind.__name__.lower()


def test_what_cannot_be_a_module():
    with pytest.raises(ValueError, match=r"layer 0: torch has .* tanh, relu, got 'gelu'"):
        fp.RecurrentNetwork([2, 3, 1], activation="gelu").to_torch()
    with pytest.raises(ValueError, match=r"got dtype complex64.*Network.save writes complex ones"):
        fp.Network([2, 1], dtype="complex64").to_torch()
    with pytest.raises(ValueError, match="without stochastic units to be exported, got 'bernoulli'"):
        fp.Network([2, 3, 1], activation=fp.Bernoulli("straight_through")).to_torch()
    with pytest.raises(ValueError, match="MLPClassifier is not fitted yet"):
        fp.MLPClassifier().to_torch()
    with pytest.raises(TypeError, match=r"model must be a Network, .* got int"):
        to_torch(3)


def test_an_activation_that_the_format_lacks_is_refused(monkeypatch):
    monkeypatch.delitem(_torch.ACTIVATIONS, "mish")
    with pytest.raises(ValueError, match="layer 0: the activation 'mish' cannot be written as a module"):
        fp.Network([1, 2, 1], activation="mish").to_torch()


# ---- from PyTorch ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_modules_as_people_write_them(dtype):
    relu = nn.ReLU()
    module = nn.Sequential(
        nn.Identity(),
        nn.Sequential(nn.Linear(5, 8), relu, nn.Dropout(0.0)),
        nn.Linear(8, 7, bias=False),
        nn.Linear(7, 6),
        nn.GELU(),
        nn.Linear(6, 6),
        relu,  # a second time
        nn.Linear(6, 4),
        nn.CELU(),
        nn.Linear(4, 3),
        nn.Softmax(dim=1),
    ).to(dtype)
    network = from_torch(module)
    assert isinstance(network, fp.Network)
    assert network.activations == ["relu", "identity", "gelu", "relu", "elu"]
    X = rows(9, 5, dtype=str(dtype).removeprefix("torch."))
    assert_close(network.predict(X), said(module, X), layers=6)


def test_dropout_is_told():
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.25), nn.Linear(4, 1))
    with pytest.warns(UserWarning, match=r"train\(dropout=\) instead; left out: module\[2\]: 0.25"):
        network = from_torch(module)
    assert_close(network.predict(rows(5, 3, "f4")), said(module.eval(), rows(5, 3, "f4")), layers=2)


def with_hook():
    linear = nn.Linear(3, 1)
    linear.register_forward_hook(lambda module, given, output: 2 * output)
    return linear


class Own(nn.Sequential):
    def forward(self, x):
        return 2 * super().forward(x)


class OwnIdentity(nn.Identity):
    def forward(self, x):
        return 2 * x


class OwnDropout(nn.Dropout):
    def forward(self, x):
        return 2 * x


def with_forward(module):
    module.forward = lambda x: 2 * x
    return module


L = nn.Linear


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (L(3, 1), "module must be a torch.nn.Sequential, got Linear"),
        ("net.pt", "got str"),
        (Own(L(3, 1)), "got Own"),
        (nn.Sequential(), r"must end with a torch.nn.Linear"),
        (nn.Sequential(nn.ReLU()), r"module\[0\]: the activation ReLU\(\) must follow a Linear"),
        (nn.Sequential(L(3, 1), nn.ReLU(), nn.Tanh()), r"module\[2\]: the activation Tanh\(\) must follow"),
        (
            nn.Sequential(L(3, 2), L(3, 1)),
            r"module\[1\] must have 2 inputs, the outputs of module\[0\], got 3",
        ),
        (nn.Sequential(L(3, 2), L(2, 1).double()), "one dtype, float32 or float64, got float32, float64"),
        (nn.Sequential(L(3, 1).half()), r"module\[0\].weight must be float32 or float64, got float16"),
        (nn.Sequential(L(3, 1, dtype=torch.complex64)), "must be float32 or float64, got complex64"),
        (nn.Sequential(nn.LazyLinear(3)), r"module\[0\]"),
        (nn.Sequential(with_hook()), r"module\[0\] must have no hooks"),
        (nn.Sequential(L(3, 3), nn.BatchNorm1d(3)), r"module\[1\] must be a Linear, .* got BatchNorm1d\(3, "),
        (nn.Sequential(nn.Conv1d(3, 1, 1)), r"got Conv1d\(3, 1, "),
        (nn.Sequential(L(3, 1), nn.Softmax(dim=0)), "dim of Softmax must be 1 or -1, got 0"),
        (nn.Sequential(L(3, 1), nn.Softmax()), "dim of Softmax must be 1 or -1, got None"),
        (nn.Sequential(L(3, 1), nn.GELU("tanh")), "approximate of GELU must be 'none', got 'tanh'"),
        (nn.Sequential(L(3, 1), nn.Softplus(2)), r"beta of Softplus must be 1.0, got 2"),
        (nn.Sequential(L(3, 1), nn.CELU(2.0)), r"alpha of CELU must be 1.0, got 2.0"),
        (nn.Sequential(L(3, 1), nn.Hardtanh(0, 6)), r"min_val of Hardtanh must be -1.0, got 0"),
        (nn.Sequential(L(3, 1), nn.ReLU6()), r"got ReLU6\(\)"),
        (nn.Sequential(L(3, 2), nn.LogSoftmax(dim=1)), r"got LogSoftmax\(dim=1\)"),
        (nn.Sequential(L(3, 2), nn.Softmax(dim=1), L(2, 1)), r"module\[2\]: a Softmax must be at the end"),
        (nn.Sequential(L(3, 1), OwnIdentity()), r"module\[1\] must be a Linear, .* got OwnIdentity\(\)"),
        (nn.Sequential(L(3, 1), OwnDropout(0.5)), r"module\[1\] must be a Linear, .* got OwnDropout\("),
        (nn.Sequential(with_forward(L(3, 1))), r"module\[0\] must have no forward of its own"),
        (with_forward(nn.Sequential(L(3, 1))), "module must have no forward of its own"),
        (nn.Sequential(L(3, 1), nn.Softplus(1, 0.5)), r"module\[1\]: threshold of Softplus must be 20 or"),
        (nn.Sequential(L(3, 1), nn.LeakyReLU(-1.0)), r"module\[1\]: LeakyReLU\(.*slope must be 0 or a pos"),
        (nn.Sequential(L(3, 1, device="meta")), r"module\[0\].weight has no numbers"),
        (nn.Sequential(nn.LSTM(3, 2, batch_first=True), L(2, 1)), r"module\[1\] must take the outputs out"),
        (nn.Sequential(nn.LSTM(3, 2, batch_first=True)), "must end with"),
        (nn.Sequential(nn.LSTM(3, 2)), "batch_first must be True, got False"),
        (nn.Sequential(nn.GRU(3, 2, batch_first=True, bidirectional=True)), "bidirectional must be False"),
        (nn.Sequential(nn.LSTM(3, 2, batch_first=True, proj_size=1)), "proj_size must be 0, got 1"),
        (nn.Sequential(L(3, 2), nn.GRU(2, 2, batch_first=True)), "recurrent layers come first"),
        (
            nn.Sequential(L(3, 2), _torch_modules.LastStep()),
            r"module\[1\]: LastStep\(\) must follow a recurrent",
        ),
        (
            nn.Sequential(
                nn.GRU(3, 2, batch_first=True), _torch_modules.EveryStep(), nn.RNN(2, 2, batch_first=True)
            ),
            "all recurrent layers must be of one kind, got rnn after gru",
        ),
        (
            nn.Sequential(
                nn.GRU(3, 2, batch_first=True), _torch_modules.LastStep(), nn.GRU(2, 2, batch_first=True)
            ),
            "after the last step was taken; expected a Linear",
        ),
        (
            nn.Sequential(nn.GRU(3, 2, batch_first=True), _torch_modules.LastStep(), L(2, 2), L(2, 1)),
            r"module\[3\]: a recurrent network has one Linear",
        ),
    ],
    ids=str,
)
def test_modules_that_are_no_networks(module, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((ValueError, TypeError), match=message):
            from_torch(module)


def test_numbers_that_are_not_finite():
    module = nn.Sequential(L(2, 1))
    with torch.no_grad():
        module[0].weight[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"module\[0\].weight must hold finite numbers"):
        from_torch(module)


@pytest.mark.parametrize(
    "function", [to_torch, from_torch, fp.Network.to_torch], ids=lambda f: f.__qualname__
)
def test_the_examples_that_need_torch(function):
    """They are skipped elsewhere, because CI has no PyTorch."""
    text = function.__doc__.replace("# doctest: +SKIP", "")
    test = doctest.DocTestParser().get_doctest(text, {}, function.__qualname__, None, 0)
    assert test.examples
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test).failed == 0


def test_without_torch(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ImportError, match="to_torch needs the package torch: pip install torch"):
        fp.Network([1, 1]).to_torch()
    with pytest.raises(ImportError, match="from_torch needs the package torch"):
        from_torch(3)
