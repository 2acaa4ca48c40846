"""Ray as a second engine: the bits of a training in one place, also when actors die."""

import ferroprop as fp
import numpy as np
import pytest
from ferroprop.distributed import boundaries, group_rows, minimize, train
from ferroprop.ray import RayShards

ROWS = 52_000


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install ray")
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, configure_logging=False)
    yield ray
    ray.shutdown()


def network():
    return fp.Network([4, 6, 2], activation="tanh", seed=2)


def shards(**options):
    def load(start, stop):
        rows = np.random.default_rng(0)  # what a file would be
        table = rows.standard_normal((ROWS, 6), dtype=np.float32)[start:stop]
        return table[:, :4], np.tanh(table[:, 4:]), None

    whole = load(0, ROWS)
    cuts = boundaries(ROWS, group_rows(network(), ROWS), 3)
    return whole, RayShards(load, cuts, **options)


@pytest.mark.filterwarnings("ignore")
def test_a_training_has_the_bits_of_one_place(ray):
    (inputs, targets, _), there = shards()
    here, away = network(), network()

    def kill(epoch):
        if epoch.epoch == 2:
            ray.kill(there._actors[1], no_restart=False)

    fp.train(here, inputs, targets, epochs=5, optimizer="rprop")
    train(away, there, epochs=5, optimizer="rprop", callback=kill)
    assert [w.tobytes() for w in here.weights] == [w.tobytes() for w in away.weights]
    first = fp.minimize(here, inputs, targets, max_iter=3)
    second = minimize(away, there, max_iter=3)
    assert first.losses == second.losses


def test_boundaries_that_do_not_ascend_are_refused():
    pytest.importorskip("ray", reason="ray is not installed: pip install ray")
    with pytest.raises(ValueError, match="boundaries must be two or more ascending row numbers"):
        RayShards(None, [0, 5, 5])
