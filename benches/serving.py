"""Latency of predicting one row from many threads at a time.

    pip install onnxruntime onnx                          # what is missing is left out
    python benches/serving.py                             # about 6 minutes
    python benches/serving.py --seconds 2 --threads 1,8 --json serving.json

A classifier of MNIST's size, 784 inputs, hidden layers as given, 10 classes, in float32. Each thread asks for
one row after the other for so many seconds; every call is timed, all threads together make one distribution.
For each number of threads the libraries take turns, `--rounds` times in changing order, and each gets a
process of its own with as many Python threads, bound to no core; the table has the median over the rounds.
What a server adds (sockets, JSON) is left out. ONNX Runtime runs with one thread inside a call, which is best
for one row; ferroprop and scikit-learn choose for themselves.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np

INPUTS, CLASSES = 784, 10
PERCENTILES = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9}


def main() -> None:
    """Measure in processes of their own, and print a table."""
    options = parse()
    if options.library:
        print(json.dumps(measure(options.library, options.threads[0], options)))
        return
    results = []
    available = [name for name in LIBRARIES if is_there(name)]
    for threads in options.threads:
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in available}
        for number in range(options.rounds):
            for name in available if number % 2 == 0 else available[::-1]:
                rounds[name].append(in_own_process(name, threads, options))
        for name, measured in rounds.items():
            middle = {key: statistics.median(each[key] for each in measured) for key in measured[0]}
            results.append({"library": name, "threads": threads, **middle})
    print(
        f"{INPUTS}-{'-'.join(map(str, options.hidden))}-{CLASSES}, float32, one row; microseconds a call, on"
    )
    print(f"{os.cpu_count()} CPUs; {options.seconds:g} s a case, median of {options.rounds} rounds.\n")
    print(f"| threads | library | {' | '.join(PERCENTILES)} | worst | calls a second |")
    print("|---:|---|" + "---:|" * (len(PERCENTILES) + 2))
    for each in results:
        numbers = " | ".join(f"{each[key]:,.1f}" for key in (*PERCENTILES, "worst"))
        print(f"| {each['threads']} | {each['library']} | {numbers} | {each['rate']:,.0f} |")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    numbers = lambda text: [int(part) for part in text.split(",")]  # noqa: E731
    parser.add_argument("--threads", type=numbers, default=[1, 2, 8, 64])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hidden", type=numbers, default=[100])
    parser.add_argument("--json", help="keep the numbers here")
    parser.add_argument("--library", help=argparse.SUPPRESS)
    return parser.parse_args()


def is_there(name: str) -> bool:
    """Tell whether the library can be imported."""
    modules = {"ONNX Runtime": ["onnxruntime", "onnx"]}.get(name, [])
    command = [sys.executable, "-c", ";".join(f"import {module}" for module in modules)]
    there = subprocess.run(command, check=False, capture_output=True).returncode == 0
    if not there:
        print(f"{name} left out: needs {' and '.join(modules)}", file=sys.stderr)
    return there


def in_own_process(name: str, threads: int, options: argparse.Namespace) -> dict[str, float]:
    """Measure one library with one number of threads."""
    command = [sys.executable, __file__, "--library", name, "--threads", str(threads)]
    command += ["--seconds", str(options.seconds), "--hidden", ",".join(map(str, options.hidden))]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(output))


def measure(name: str, threads: int, options: argparse.Namespace) -> dict[str, float]:
    """Call from this many threads for so long; return percentiles in microseconds."""
    predict = LIBRARIES[name](options.hidden)
    rows = np.random.default_rng(0).random((256, 1, INPUTS), dtype=np.float32)
    for row in rows:
        predict(row)
    begin, times = threading.Barrier(threads + 1), []

    def work(first: int) -> None:
        own: list[int] = []
        times.append(own)
        begin.wait()
        now = time.perf_counter_ns()
        end = now + int(options.seconds * 1e9)
        index = first
        while now < end:
            predict(rows[index % 256])
            after = time.perf_counter_ns()
            own.append(after - now)
            now = after
            index += 1

    workers = [threading.Thread(target=work, args=(17 * index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    begin.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    # Longer than asked for where threads wait for the interpreter before their time begins.
    elapsed = time.perf_counter() - began
    together = np.concatenate([np.array(own) for own in times]) / 1e3
    numbers = {key: float(np.percentile(together, percent)) for key, percent in PERCENTILES.items()}
    return {**numbers, "worst": float(together.max()), "rate": len(together) / elapsed}


def weights_of(hidden: list[int]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return weights and biases, the same for all libraries."""
    sizes = [INPUTS, *hidden, CLASSES]
    rng = np.random.default_rng(1)
    shapes = list(itertools.pairwise(sizes))
    weights = [(rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32) for shape in shapes]
    return weights, [np.zeros(shape[1], np.float32) for shape in shapes]


Predict = Callable[[np.ndarray], object]


def ferroprop_network(hidden: list[int]) -> Predict:
    """Return ``Network.predict``."""
    import ferroprop as fp

    network = fp.Network([INPUTS, *hidden, CLASSES], activation="relu", output_activation="softmax")
    network.set_parameters(*weights_of(hidden))
    return network.predict


def fitted(estimator: type, hidden: list[int]) -> Predict:
    """Return ``predict_proba`` of a classifier with these weights."""
    import warnings

    rng = np.random.default_rng(2)
    X, y = rng.random((200, INPUTS), dtype=np.float32), np.arange(200) % CLASSES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = estimator(hidden_layer_sizes=tuple(hidden), max_iter=1, random_state=0).fit(X, y)
    for mine, new in zip((model.coefs_, model.intercepts_), weights_of(hidden), strict=True):
        mine[:] = new
    return model.predict_proba


def ferroprop_classifier(hidden: list[int]) -> Predict:
    """Return that of ours."""
    from ferroprop import MLPClassifier

    return fitted(MLPClassifier, hidden)


def scikit_learn(hidden: list[int]) -> Predict:
    """Return that of scikit-learn's."""
    from sklearn.neural_network import MLPClassifier

    return fitted(MLPClassifier, hidden)


def onnx_runtime(hidden: list[int]) -> Predict:
    """Return an inference session's run."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    nodes, initializers, last = [], [], "x"
    weights, biases = weights_of(hidden)
    for index, (w, b) in enumerate(zip(weights, biases, strict=True)):
        initializers += [numpy_helper.from_array(w, f"w{index}"), numpy_helper.from_array(b, f"b{index}")]
        nodes.append(helper.make_node("Gemm", [last, f"w{index}", f"b{index}"], [f"z{index}"]))
        is_last = index == len(weights) - 1
        last = "y" if is_last else f"a{index}"
        nodes.append(helper.make_node("Softmax" if is_last else "Relu", [f"z{index}"], [last]))
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, CLASSES])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = min(model.ir_version, 10)
    onnx.checker.check_model(model)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    return lambda row: session.run(None, {"x": row})


LIBRARIES: dict[str, Callable[[list[int]], Predict]] = {
    "ferroprop Network": ferroprop_network,
    "ferroprop MLPClassifier": ferroprop_classifier,
    "ONNX Runtime": onnx_runtime,
    "scikit-learn": scikit_learn,
}


if __name__ == "__main__":
    main()
