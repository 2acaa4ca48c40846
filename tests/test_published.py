"""The benches of published results: that they measure what they say, and a few of the results."""

import sys
from pathlib import Path

import ferroprop as fp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benches"))

import proben1
import published
import teaching


@pytest.fixture
def problem(tmp_path):
    """Return a small problem in the benchmark's format: which of two inputs is greater."""
    rng = np.random.default_rng(0)
    x = rng.random((60, 2))
    greater = x[:, 0] > x[:, 1]
    head = "bool_in=0\nreal_in=2\nbool_out=2\nreal_out=0\n"
    head += "training_examples=30\nvalidation_examples=20\ntest_examples=10\n"
    rows = np.column_stack([x, greater, ~greater])
    with (tmp_path / "greater.dt").open("w") as file:
        file.write(head)
        np.savetxt(file, rows)
    return proben1.Problem.read(tmp_path, "greater")


def test_proben1_files_are_cut_in_order(problem):
    assert [len(part.x) for part in (problem.training, problem.validation, problem.test)] == [30, 20, 10]
    assert problem.training.x.shape == (30, 2)
    assert problem.training.t.shape == (30, 2)
    assert problem.classifies
    together = np.concatenate([part.x for part in (problem.training, problem.validation, problem.test)])
    np.testing.assert_allclose(together, np.random.default_rng(0).random((60, 2)))


def test_proben1_errors_by_hand(problem):
    network = fp.Network([2, 2], bias=False, dtype="float64")
    network.set_parameters([[[1.0, 0.0], [0.0, 1.0]]], [None])
    part = problem.test
    assert part.wrong(network) == 0
    assert part.error(network) == pytest.approx(100 / (2 * 10) * ((part.x - part.t) ** 2).sum(), rel=1e-14)
    network.set_parameters([[[0.0, 1.0], [1.0, 0.0]]], [None])
    assert part.wrong(network) == 100


def test_a_proben1_run(problem):
    """The training error is that of the loss; the test is made with the network of the best validation."""
    run = proben1.train(problem, (3,), seed=1, activation="tanh")
    assert run == proben1.train(problem, (3,), seed=1, activation="tanh")
    assert run.ep % 5 == run.rel % 5 == 0
    assert 0 < run.rel <= run.ep <= 3000
    assert run.tr <= 25  # what a constant output of 0.5 has
    assert run.cls < 30
    shorter = proben1.train(
        problem, (3,), seed=1, activation="tanh", protocol=proben1.Protocol(most_loss=0.0)
    )
    assert shorter.ep <= run.ep
    assert shorter.va >= run.va


def test_the_table_marks_what_is_further_apart_than_the_joint_spread():
    ours = {
        "cancer1": {
            "means": {
                "te": (1.0, 0.3),
                "cls": (2.0, 0.1),
                "of": (5.0, 1.0),
                "ep": (100.0, 3.0),
                "rel": (9.0, 1.0),
            }
        }
    }
    theirs = {
        "cancer1": {
            "te": (1.4, 0.4),
            "cls": (2.2, 0.1),
            "of": (4.0, 1.0),
            "ep": (106.0, 4.0),
            "rel": (9.0, 1.0),
        }
    }
    rows = proben1.table(ours, theirs).splitlines()[-2:]
    assert rows == [
        "| cancer1, 4+2 | ours | 1.00 ± 0.30 | 2.00 ± 0.10 **!** | 5.00 ± 1.00 | 100 ± 3 **!** | 9 ± 1 |",
        "|  | Prechelt | 1.40 ± 0.40 | 2.20 ± 0.10 | 4.00 ± 1.00 | 106 ± 4 | 9 ± 1 |",
    ]


def test_two_spirals_are_those_of_the_paper():
    task = teaching.TASKS["two spirals"]
    assert task.x.shape == (194, 2)
    np.testing.assert_allclose(
        task.x[:2], [[0, 6.5], [6.4375 * np.sin(np.pi / 16), 6.4375 * np.cos(np.pi / 16)]]
    )
    np.testing.assert_array_equal(task.x[97:], -task.x[:97])
    assert task.t.sum() == 97


@pytest.mark.parametrize("name", ["iRPROP+", "iRPROP-", "RPROP+", "RPROP-"])
def test_the_10_5_10_encoder_is_learnt_in_two_dozen_epochs(name):
    make, _ = teaching.OPTIMIZERS[name]
    task = teaching.TASKS["10-5-10 encoder"]
    epochs = [teaching.epochs_to_learn(task, make(seed, 0.0), seed) for seed in range(1, 12)]
    assert 15 <= np.median(epochs) <= 35


def test_a_summary_counts_what_was_not_learnt_as_infinite():
    found = teaching.summary([10.0, 20.0, np.inf, np.inf, np.inf])
    assert found == {"median": np.inf, "low": 20.0, "high": np.inf, "learnt": 2}


# What the R Journal prints of the weights in `published`: covariates, output, generalized weights.
GUENTHER_AND_FRITSCH = [
    ((26, 6, 1, 2), 0.1519579877, (0.0088556, -0.1330079, 0.1657087, 0.2537842)),
    ((42, 1, 1, 0), 0.6204480608, (0.1492874, -2.2422321, 2.7934978, 4.2782645)),
    ((39, 6, 2, 0), 0.1428325816, (0.0004489, -0.0067430, 0.0084008, 0.0128660)),
    ((34, 4, 2, 0), 0.1513351888, (0.0083028, -0.1247051, 0.1553646, 0.2379421)),
    ((35, 3, 1, 1), 0.3516163154, (0.1071413, -1.6092161, 2.0048511, 3.0704457)),
    ((36, 4, 2, 1), 0.4904344475, (0.1360035, -2.0427123, 2.5449249, 3.8975730)),
]


def test_the_weights_that_a_paper_prints_give_the_outputs_and_derivatives_that_it_prints():
    network = published.logistic_network()
    network.set_parameters(
        [published.HIDDEN, published.OUTPUT], [published.HIDDEN_BIASES, published.OUTPUT_BIASES]
    )
    rows = [row for row, _, _ in GUENTHER_AND_FRITSCH]
    outputs = network.predict(rows)
    np.testing.assert_allclose(outputs[:, 0], [output for _, output, _ in GUENTHER_AND_FRITSCH], atol=1e-10)
    of_log_odds = network.input_gradient(rows)[:, 0] / (outputs * (1 - outputs))
    np.testing.assert_allclose(of_log_odds, [weights for _, _, weights in GUENTHER_AND_FRITSCH], atol=1e-7)


def test_a_run_ends_where_all_derivatives_are_small(monkeypatch):
    monkeypatch.setattr(published, "MOST_STEPS", 4000)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 4))
    t = (x[:, :1] + rng.normal(size=(40, 1)) > 0).astype(float)
    runs = {name: published.run(x, t, make, seed=1) for name, (make, _) in published.LEARNERS.items()}
    assert all(run["error"] < 40 * np.log(2) for run in runs.values())
    steps = {name: run["steps"] for name, run in runs.items()}
    assert steps.pop("gradient descent, rate 0.01") == 4000
    assert all(1 < each < 4000 for each in steps.values())
