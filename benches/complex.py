"""A complex step beside a real one of the same arithmetic, and JAX on pairs of real numbers.

The workload: 64 inputs, 64 hidden units with ReLU on both parts, 10 outputs, complex64, squared error,
Adam, batches of 128 rows that are shuffled, on one thread. A complex multiply-add is four real ones, so
that a step has the multiply-adds of a real network of 128, 128 and 20 units. JAX, where it is installed,
computes the same with pairs of real arrays in one jitted loop over the batches.

    python benches/complex.py

Prints microseconds a step: the median over rounds in which all take turns, and ratios within a round.
"""

import argparse
import itertools
import os
import statistics
import time

# Before the libraries are loaded, which read them then.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import ferroprop as fp
import numpy as np

ROWS, BATCH, EPOCHS = 12_800, 128, 5
SIZES = [64, 64, 10]


def ours(dtype):
    """Return a function that trains for some epochs, in this dtype; a real network has the parts as units."""
    is_complex = dtype.startswith("complex")
    sizes = SIZES if is_complex else [2 * size for size in SIZES]
    rng = np.random.default_rng(0)
    X, T = (rng.normal(size=(ROWS, width)) for width in (sizes[0], sizes[-1]))
    if is_complex:
        X, T = X + 1j * rng.normal(size=X.shape), T + 1j * rng.normal(size=T.shape)
    X, T = X.astype(dtype), T.astype(dtype)
    net, adam = fp.Network(sizes, dtype=dtype), fp.Adam()
    return lambda: fp.train(
        net, X, T, optimizer=adam, epochs=EPOCHS, batch_size=BATCH, n_threads=1, warm_start=True
    )


def jax_pairs():
    """Return the same for JAX on pairs of float32 arrays, or None where it is not installed."""
    try:
        import jax
    except ImportError:
        return None
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    draw = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)  # noqa: E731
    X, T = (draw(ROWS // BATCH, BATCH, 2, width) for width in (SIZES[0], SIZES[-1]))
    parameters = [
        {"re": 0.1 * draw(i, o), "im": 0.1 * draw(i, o), "b": jnp.zeros((2, o))}
        for i, o in itertools.pairwise(SIZES)
    ]

    def loss(parameters, x, t):
        re, im = x[:, 0], x[:, 1]
        for number, layer in enumerate(parameters):
            re, im = (
                re @ layer["re"] - im @ layer["im"] + layer["b"][0],
                re @ layer["im"] + im @ layer["re"] + layer["b"][1],
            )
            if number == 0:
                re, im = jax.nn.relu(re), jax.nn.relu(im)
        return 0.5 * (((re - t[:, 0]) ** 2).sum() + ((im - t[:, 1]) ** 2).sum()) / BATCH

    def step(state, batch):
        parameters, first, second, n = state
        gradient = jax.grad(loss)(parameters, *batch)
        n = n + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
        rate = 0.001 * jnp.sqrt(1 - 0.999**n) / (1 - 0.9**n)
        parameters = jax.tree.map(
            lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), parameters, first, second
        )
        return (parameters, first, second, n), 0.0

    epoch = jax.jit(lambda state, X, T: jax.lax.scan(step, state, (X, T))[0])
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    held = [(parameters, zeros, zeros, jnp.float32(0))]

    def run():
        for _ in range(EPOCHS):
            held[0] = jax.block_until_ready(epoch(held[0], X, T))

    return run


def main():
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15, help="rounds taken in turn [%(default)s]")
    rounds = parser.parse_args().rounds
    subjects = {name: ours(name) for name in ("complex64", "float32", "complex128", "float64")}
    if (pairs := jax_pairs()) is not None:
        subjects["JAX on pairs"] = pairs
    for run in subjects.values():
        run()
    times = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, run in subjects.items():
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) / (EPOCHS * ROWS // BATCH) * 1e6)
    for name, of_name in times.items():
        print(f"{name:14}{statistics.median(of_name):9.1f} us a step of CPU time, best {min(of_name):7.1f}")
    for a, b in [
        ("complex64", "float32"),
        ("complex128", "float64"),
        ("complex128", "complex64"),
        ("complex64", "JAX on pairs"),
    ]:
        if a in times and b in times:
            ratios = [x / y for x, y in zip(times[a], times[b], strict=True)]
            print(f"{a} / {b}: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
