"""The tables that the estimators are compared on."""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

Data = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class Table:
    """A table, and the settings that both libraries get on it.

    Parameters
    ----------
    name : str
        What it is called in the report.
    load : callable
        Returns inputs and targets.
    classes : bool
        Whether the targets are classes.
    settings : dict
        Parameters of the estimators that are not the defaults.
    test : int or None
        Number of rows at the end that are the test set; None draws a quarter.
    large : bool
        Whether a fit takes so long that few seeds have to do.
    """

    name: str
    load: Callable[[], Data]
    classes: bool
    settings: dict[str, Any] = field(default_factory=dict)
    test: int | None = None
    large: bool = False


def housing(n: int, noise: float = 0.3) -> Data:
    """Return a table like California housing: eight skewed features, and a price that depends on place.

    Prices fall with the distance from two cities and rise with income, less so the richer the district; the
    features are as unlike in size as the real ones.
    """
    rng = np.random.default_rng(20640)
    income = rng.lognormal(1.2, 0.45, n)
    age = rng.integers(1, 53, n).astype(float)
    rooms = rng.lognormal(1.65, 0.25, n)
    bedrooms = rooms * rng.normal(0.2, 0.02, n)
    population = rng.lognormal(7.0, 0.7, n)
    occupancy = rng.lognormal(1.0, 0.25, n)
    cities = np.array([[34.05, -118.25], [37.77, -122.42]])
    place = np.where(
        rng.random((n, 1)) < 0.6,
        cities[rng.integers(0, 2, n)] + rng.normal(0, 0.5, (n, 2)),
        np.column_stack([rng.uniform(32.5, 42, n), rng.uniform(-124, -114, n)]),
    )
    distance = np.linalg.norm(place[:, np.newaxis] - cities, axis=2).min(axis=1)
    price = (
        2.2 * np.tanh(income / 6)
        + 1.8 * np.exp(-distance)
        + 0.004 * age * np.exp(-distance)
        - 0.4 * np.log(occupancy)
        + 0.3 * np.log(rooms)
    )
    X = np.column_stack([income, age, rooms, bedrooms, population, occupancy, place])
    return X, price + noise * rng.standard_normal(n)


def mnist(folder: Path) -> Data:
    """Return the 60,000 training and then the 10,000 test images of MNIST, from its four files."""

    def read(name: str, header: int) -> NDArray[np.uint8]:
        with gzip.open(folder / f"{name}.gz") as file:
            return np.frombuffer(file.read(), dtype=np.uint8, offset=header)

    images = [read(f"{part}-images-idx3-ubyte", 16).reshape(-1, 784) for part in ("train", "t10k")]
    labels = [read(f"{part}-labels-idx1-ubyte", 8) for part in ("train", "t10k")]
    return np.concatenate(images) / 255.0, np.concatenate(labels)


def tables(mnist_folder: Path | None) -> Iterator[Table]:
    """Yield all tables, small ones first; MNIST if its folder is given."""
    for name, load in (
        ("iris", load_iris),
        ("wine", load_wine),
        ("breast cancer", load_breast_cancer),
        ("digits", load_digits),
    ):
        yield Table(name, lambda load=load: load(return_X_y=True), classes=True)
    yield Table("diabetes", lambda: load_diabetes(return_X_y=True), classes=False)
    for power, epochs in ((3, 200), (4, 100), (5, 20), (6, 5)):
        yield Table(
            f"housing 10^{power}",
            lambda n=10**power: housing(n),
            classes=False,
            settings={"max_iter": epochs},
            large=power == 6,
        )
    if mnist_folder is not None:
        settings = {"hidden_layer_sizes": (128,), "max_iter": 10}
        yield Table(
            "MNIST", lambda: mnist(mnist_folder), classes=True, settings=settings, test=10_000, large=True
        )
