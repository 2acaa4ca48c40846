"""A thread keeps the buffers of its last training for the next one: no call may notice who came before."""

from concurrent.futures import ThreadPoolExecutor

import ferroprop as fp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

RNG = np.random.default_rng(5)
X = RNG.normal(size=(48, 4))
Y = np.eye(3)[RNG.integers(0, 3, 48)]
WEIGHTS = RNG.random(48)

UNITS = (fp.Bernoulli(samples=2), fp.Bernoulli("score_function", samples=2), fp.Categorical(3, samples=2))
KINDS = (["tanh"], ["relu"], *([units] for units in UNITS))


def squares(outputs, targets):
    return ((outputs - targets) ** 2).sum(axis=1) / 2, outputs - targets


# Few choices each, so that one call often is almost as another.
CALLS = st.fixed_dictionaries(
    {
        "activation": st.sampled_from(KINDS),
        "hidden": st.sampled_from((6, 9)),
        "dtype": st.sampled_from(("float32", "float64")),
        "rows": st.sampled_from((6, 12, 24)),
        "loss": st.sampled_from(("log_loss", fp.LogLoss(label_smoothing=0.1), squares)),
        "weighted": st.booleans(),
        "alpha": st.sampled_from((0.0, 0.5)),
        "what": st.sampled_from(("gradients", "drawn gradients", "rprop", "adam", "mini-batches", "dropout")),
    }
)


def result(call):
    """Return the bits of everything that a call gives."""
    X_, Y_ = (array[: call["rows"]].astype(call["dtype"]) for array in (X, Y))
    layers = [4, call["hidden"], 3]
    net = fp.Network(
        layers, activation=call["activation"], output_activation="softmax", dtype=call["dtype"], seed=3
    )
    settings = {"loss": call["loss"], "alpha": call["alpha"]}
    if call["weighted"]:
        settings["sample_weight"] = WEIGHTS[: call["rows"]]
    if "gradients" in call["what"]:
        seed = 4 if call["what"].startswith("drawn") else None
        loss, weights, biases = net.loss_and_gradients(X_, Y_, noise_seed=seed, **settings)
        return [np.float64(loss).tobytes(), *(array.tobytes() for array in (*weights, *biases))]
    optimizer = fp.Rprop() if call["what"] == "rprop" else fp.Adam()
    if call["what"] == "mini-batches":
        settings["batch_size"] = 6
    if call["what"] == "dropout" and isinstance(call["activation"][0], str):
        settings["dropout"] = 0.25
    history = fp.train(net, X_, Y_, optimizer=optimizer, epochs=2, seed=4, **settings)
    return [np.array(history.loss).tobytes(), net.parameter_vector.tobytes()]


@given(calls=st.lists(CALLS, min_size=2, max_size=6))
def test_no_call_notices_who_came_before(calls):
    for call in calls:
        with ThreadPoolExecutor(1) as fresh:
            expected = fresh.submit(result, call).result()
        assert result(call) == expected, call
