"""A training step of recurrent networks beside PyTorch and JAX, and a step of time beside ONNX Runtime.

The workload: 32 sequences of 50 steps of time, 8 inputs, 64 units, one output for the last step, squared
error, Adam, float32, on one thread. JAX runs in its best form: of a simple network the steps of time
written out one after the other, of cells with gates a scan over time, of an LSTM with inputs and states side
by side. Ragged sequences have from 10 to 50 steps. Long ones have 400, and once weights so small that the
gradient is lost on its way. Libraries that are not installed are left out.

    python benches/recurrent.py

Prints microseconds a step of CPU time: the median over rounds in which all take turns, and the median of the
ratios within a round.
"""

import argparse
import os
import statistics
import time

# Before the libraries are loaded, which read them then.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import ferroprop as fp
import numpy as np

BATCH, TIME, INPUTS, UNITS = 32, 50, 8, 64
STEPS = 10  # of the optimizer, in one run
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def data(time=TIME):
    """Return sequences and a target for each."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(BATCH, time, INPUTS)).astype("float32")
    return X, X.mean(axis=1)[:, :1].copy()


def ours(cell, lengths=None, time=TIME, scale=None, dtype="float32"):
    """Return a function that makes some steps, and how many of time all sequences have."""
    X, Y = data(time)
    X, Y = X.astype(dtype), Y.astype(dtype)
    net = fp.RecurrentNetwork([INPUTS, UNITS, 1], cell=cell, dtype=dtype)
    rule = fp.Adam(1e-3 if scale is None else 1e-12)
    if scale is not None:
        net.set_parameter_vector(net.parameter_vector * scale)
    sequences = X if lengths is None else [x[:length] for x, length in zip(X, lengths, strict=True)]
    return lambda: fp.train(net, sequences, Y, optimizer=rule, epochs=STEPS, n_threads=1, warm_start=True)


def torch_step(cell):
    """Return the same for PyTorch with its fused Adam, or None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    X, Y = map(torch.tensor, data())
    layer = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell](
        INPUTS, UNITS, batch_first=True
    )
    head = torch.nn.Linear(UNITS, 1)
    rule = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=1e-3, fused=True)

    def run():
        for _ in range(STEPS):
            rule.zero_grad()
            loss = ((head(layer(X)[0][:, -1]) - Y) ** 2).mean() / 2
            loss.backward()
            rule.step()

    return run


def jax_step(cell):
    """Return the same for JAX, or None where it is not installed."""
    try:
        import jax
    except ImportError:
        return None
    import jax.numpy as jnp

    X, Y = map(jnp.asarray, data())
    X = jnp.swapaxes(X, 0, 1)  # time first, as a scan wants it
    rng = np.random.default_rng(0)
    columns = GATES[cell] * UNITS
    draw = lambda *shape: jnp.asarray(rng.uniform(-0.1, 0.1, shape), jnp.float32)  # noqa: E731
    parameters = {
        "W": draw(INPUTS, columns), "U": draw(UNITS, columns), "b": draw(columns), "c": draw(UNITS),
        "V": draw(UNITS, 1), "d": draw(1),
    }  # fmt: skip

    def step_of(p):
        def rnn(state, x):
            return (jnp.tanh(x @ p["W"] + state[0] @ p["U"] + p["b"]), state[1]), None

        def lstm(state, x):
            h, c = state
            z = jnp.concatenate([x, h], axis=1) @ jnp.concatenate([p["W"], p["U"]]) + p["b"]
            i, f, g, o = jnp.split(z, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        def gru(state, x):
            h = state[0]
            zx, zh = x @ p["W"] + p["b"], h @ p["U"]
            r, z = jnp.split(jax.nn.sigmoid(zx[:, : 2 * UNITS] + zh[:, : 2 * UNITS]), 2, axis=1)
            n = jnp.tanh(zx[:, 2 * UNITS :] + r * (zh[:, 2 * UNITS :] + p["c"]))
            return ((1 - z) * n + z * h, state[1]), None

        return {"rnn": rnn, "lstm": lstm, "gru": gru}[cell]

    def loss(p):
        start = (jnp.zeros((BATCH, UNITS)), jnp.zeros((BATCH, UNITS)))
        (h, _), _ = jax.lax.scan(step_of(p), start, X, unroll=TIME if cell == "rnn" else 1)
        return ((h @ p["V"] + p["d"] - Y) ** 2).mean() / 2

    def update(state, _):
        p, first, second, n = state
        gradient = jax.grad(loss)(p)
        n = n + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
        rate = 0.001 * jnp.sqrt(1 - 0.999**n) / (1 - 0.9**n)
        p = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), p, first, second)
        return (p, first, second, n), 0.0

    steps = jax.jit(lambda state: jax.lax.scan(update, state, None, length=STEPS)[0])
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    held = [(parameters, zeros, zeros, jnp.float32(0))]

    def run():
        held[0] = jax.block_until_ready(steps(held[0]))

    return run


def one_step(cell):
    """Return functions that go one step of time with one row: ours, and ONNX Runtime's if it is installed."""
    net = fp.RecurrentNetwork([INPUTS, UNITS, 1], cell=cell)
    x = np.zeros((1, 1, INPUTS), np.float32)
    held = [net.predict(x, return_state=True)[1]]

    def run():
        _, held[0] = net.predict(x, state=held[0], return_state=True)

    try:
        import onnx
        import onnxruntime
    except ImportError:
        return run, None
    from onnx import TensorProto, helper, numpy_helper

    gates = GATES[cell]
    rng = np.random.default_rng(0)
    number = lambda name, *shape: numpy_helper.from_array(  # noqa: E731
        rng.uniform(-0.1, 0.1, shape).astype("float32"), name
    )
    states = ["h", "c"] if cell == "lstm" else ["h"]
    inputs = ["x", "W", "R", "B", "", *states]
    outputs = ["", *[f"{state}_out" for state in states]]
    attributes = {"hidden_size": UNITS} | ({"linear_before_reset": 1} if cell == "gru" else {})
    nodes = [
        helper.make_node(cell.upper(), inputs, outputs, **attributes),
        helper.make_node("Squeeze", ["h_out", "axis"], ["flat"]),
        helper.make_node("Gemm", ["flat", "V", "d"], ["y"]),
    ]
    floats = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)  # noqa: E731
    graph = helper.make_graph(
        nodes,
        "step",
        [floats("x", 1, 1, INPUTS), *[floats(state, 1, 1, UNITS) for state in states]],
        [floats("y", 1, 1), *[floats(f"{state}_out", 1, 1, UNITS) for state in states]],
        [
            number("W", 1, gates * UNITS, INPUTS), number("R", 1, gates * UNITS, UNITS),
            number("B", 1, 2 * gates * UNITS), number("V", UNITS, 1), number("d", 1),
            numpy_helper.from_array(np.array([0], np.int64), "axis"),
        ],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    state_of = {state: np.zeros((1, 1, UNITS), np.float32) for state in states}

    def theirs():
        _, *new = session.run(None, {"x": x} | state_of)
        state_of.update(zip(states, new, strict=True))

    return run, theirs


def main():
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15, help="rounds taken in turn [%(default)s]")
    parser.add_argument("--only", default="", help="only subjects whose names contain this")
    arguments = parser.parse_args()
    lengths = np.random.default_rng(1).integers(10, 51, BATCH)
    subjects, per_run = {}, {}
    for cell in GATES:
        subjects[cell] = ours(cell)
        subjects[f"{cell} ragged"] = ours(cell, lengths)
        subjects[f"{cell} float64"] = ours(cell, dtype="float64")
        subjects[f"{cell} long"] = ours(cell, time=400)
        subjects[f"{cell} long, vanishing"] = ours(cell, time=400, scale=0.05)
        subjects[f"{cell} torch"] = torch_step(cell)
        subjects[f"{cell} JAX"] = jax_step(cell)
        subjects[f"{cell} one step"], subjects[f"{cell} one step ONNX"] = one_step(cell)
    subjects = {name: run for name, run in subjects.items() if run is not None and arguments.only in name}
    for name, run in subjects.items():
        many = 500 if "one step" in name else 1
        per_run[name] = many if many > 1 else STEPS
        if many > 1:
            subjects[name] = lambda run=run, many=many: [run() for _ in range(many)]
        subjects[name]()
    times = {name: [] for name in subjects}
    for _ in range(arguments.rounds):
        for name, run in subjects.items():
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) / per_run[name] * 1e6)
    for name, of_name in times.items():
        print(f"{name:22}{statistics.median(of_name):9.1f} us, best {min(of_name):9.1f}")

    def ratio(a, b, factor=1.0):
        if a in times and b in times:
            both = zip(times[a], times[b], strict=True)
            found = statistics.median(factor * x / y for x, y in both)
            print(f"{a} / {b}: {found:.3f}, of the best {factor * min(times[a]) / min(times[b]):.3f}")

    for cell in GATES:
        ratio(cell, f"{cell} JAX")
        ratio(cell, f"{cell} torch")
        ratio(f"{cell} ragged", cell)
        ratio(f"{cell} long", cell, TIME / 400)
        ratio(f"{cell} long, vanishing", cell, TIME / 400)
        ratio(f"{cell} one step ONNX", f"{cell} one step")


if __name__ == "__main__":
    main()
