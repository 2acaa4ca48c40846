"""The pipeline of ``--model mlp``: scikit-learn's own preparation of the columns, then the network."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ferroprop import Epoch, MLPClassifier, MLPRegressor
from ferroprop.cli.card import History, Layer
from ferroprop.cli.categories import MISSING_CATEGORY, KnownCategories
from ferroprop.cli.progress import Follower
from ferroprop.cli.reading.column import Column
from ferroprop.cli.report import number
from ferroprop.cli.settings import Settings
from ferroprop.cli.target import TaskName

MOST_CATEGORIES = 50
"""The most categories of a column that have an input each; the others share one."""


def new_network(settings: Settings, task: TaskName, validation_fraction: float) -> Any:
    """Return an unfitted network with these settings."""
    optional: dict[str, Any] = {}
    if settings.learning_rate is not None:
        optional["learning_rate_init"] = settings.learning_rate
    if settings.batch_size is not None:
        optional["batch_size"] = settings.batch_size
    if settings.class_weight is not None:
        optional["class_weight"] = settings.class_weight
    if settings.dropout is not None:
        optional["dropout"] = settings.dropout
    estimator: Any = MLPClassifier if task == "classification" else MLPRegressor
    return estimator(
        hidden_layer_sizes=settings.hidden,
        activation=settings.activation,
        solver=settings.solver,
        alpha=settings.alpha,
        max_iter=settings.epochs,
        early_stopping=settings.solver != "lbfgs",  # lbfgs uses the training rows alone
        scoring="loss",  # where one class is rare, accuracy is best when nothing is learned
        n_iter_no_change=settings.patience,
        tol=1e-4 if settings.solver == "lbfgs" else 0.0,
        validation_fraction=validation_fraction,
        max_time=settings.max_time,
        n_jobs=settings.threads,
        random_state=settings.seed,
        **optional,
    )


def build_pipeline(columns: Sequence[Column], task: TaskName, network: Any) -> Pipeline:
    """Build the pipeline: the preparation of the columns, then the network.

    Parameters
    ----------
    columns : sequence of Column
        The columns of the table.
    task : {'classification', 'regression'}
        For regression the target is standardised too.
    network : estimator
        An `MLPClassifier` or `MLPRegressor`, not fitted.

    Returns
    -------
    Pipeline
        Steps ``prepare`` and ``network``. Missing numbers are replaced by the median, and numbers
        standardised. Each category has one input, and so has a missing one; a category that training did not
        have sets none.
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


def categories_of_pipeline(pipeline: Pipeline, columns: Sequence[Column]) -> dict[str, KnownCategories]:
    """Return the categories that each categorical column had in training."""
    names = [column.name for column in columns if not column.is_numeric]
    if not names:
        return {}
    encoder = pipeline.named_steps["prepare"].named_transformers_["categories"].named_steps["encode"]
    return {name: KnownCategories(set(seen)) for name, seen in zip(names, encoder.categories_, strict=True)}


@contextmanager
def following(pipeline: Pipeline, settings: Settings, follower: Follower) -> Iterator[None]:
    """Let each epoch of a fit in this context call the follower."""
    network = pipeline.named_steps["network"]
    given = getattr(network, "regressor", network)

    def tell(epoch: Epoch) -> None:
        """Call the original follower: scikit-learn's clones copy an object, but not a function."""
        loss = epoch.validation_loss
        validation = "" if loss is None else f"  validation loss {number(loss)}"
        follower(epoch.epoch, settings.epochs or epoch.epoch, f"loss {number(epoch.loss)}{validation}")

    given.set_params(callback=tell)
    try:
        yield
    finally:
        for one in (given, getattr(network, "regressor_", given)):
            one.set_params(callback=None)


def history_of(pipeline: Pipeline, settings: Settings, *, out_of_time: bool, interrupted: bool) -> History:
    """Return the course of the training of a pipeline's network, which a limit or Ctrl-C may have ended."""
    network = fitted_network(pipeline)
    losses = [float(loss) for loss in network.loss_curve_ or [network.loss_]]
    validation = [float(loss) for loss in getattr(network, "validation_loss_curve_", None) or []]
    return History(
        solver=str(settings.solver),
        losses=losses,
        validation_scores=validation,
        score_name="loss",
        best_epoch=1 + min(range(len(validation)), key=validation.__getitem__) if validation else None,
        stopped_early=settings.epochs is not None and len(losses) < settings.epochs,
        out_of_time=out_of_time,
        interrupted=interrupted,
    )


def layers_of(pipeline: Pipeline) -> list[Layer]:
    """Return the layers of a fitted pipeline's network."""
    network = fitted_network(pipeline)
    last = len(network.coefs_) - 1
    return [
        Layer(
            inputs=weights.shape[0],
            outputs=weights.shape[1],
            activation=network.out_activation_ if index == last else network.activation,
            parameters=weights.size + biases.size,
        )
        for index, (weights, biases) in enumerate(zip(network.coefs_, network.intercepts_, strict=True))
    ]


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
