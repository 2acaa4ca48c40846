"""The pipeline: scikit-learn's own preparation of the columns, then the network."""

from collections.abc import Sequence
from typing import Any

from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ferroprop.cli.reading.column import Column
from ferroprop.cli.target import TaskName

MOST_CATEGORIES = 50
"""The most categories of a column that have an input each; the others share one."""

MISSING_CATEGORY = "(missing)"


def build_pipeline(columns: Sequence[Column], task: TaskName, network: Any) -> Pipeline:
    """Build the pipeline: the preparation of the columns, then the network.

    Parameters
    ----------
    columns : sequence of Column
        What the table gives.
    task : {'classification', 'regression'}
        For regression the target is standardised too.
    network : estimator
        An `MLPClassifier` or `MLPRegressor`, not fitted.

    Returns
    -------
    Pipeline
        Steps ``prepare`` and ``network``. Numbers: the median where missing, then standardised. Categories:
        one input each, missing being a category of its own; one not seen in training sets none of them.
    """
    numbers = [column.name for column in columns if column.is_numeric]
    categories = [column.name for column in columns if not column.is_numeric]
    prepare = ColumnTransformer(
        [
            ("numbers", _numbers(), numbers),
            ("categories", _categories(), categories),
        ],
        verbose_feature_names_out=False,
    )
    if task == "regression":
        network = TransformedTargetRegressor(network, transformer=StandardScaler(), check_inverse=False)
    return Pipeline([("prepare", prepare), ("network", network)])


def fitted_network(pipeline: Pipeline) -> Any:
    """Return the `MLPClassifier` or `MLPRegressor` of a fitted pipeline."""
    network = pipeline.named_steps["network"]
    return network.regressor_ if isinstance(network, TransformedTargetRegressor) else network


def known_categories(pipeline: Pipeline, columns: Sequence[Column]) -> dict[str, set[str]]:
    """Return the categories that each categorical column had in training."""
    names = [column.name for column in columns if not column.is_numeric]
    if not names:
        return {}
    encoder = pipeline.named_steps["prepare"].named_transformers_["categories"].named_steps["encode"]
    return {name: set(seen) for name, seen in zip(names, encoder.categories_, strict=True)}


def _numbers() -> Pipeline:
    return Pipeline(
        [("fill", SimpleImputer(strategy="median", keep_empty_features=True)), ("scale", StandardScaler())]
    )


def _categories() -> Pipeline:
    fill = SimpleImputer(
        missing_values=None, strategy="constant", fill_value=MISSING_CATEGORY, keep_empty_features=True
    )
    encode = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False
    )
    return Pipeline([("fill", fill), ("encode", encode)])
