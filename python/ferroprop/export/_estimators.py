"""Descriptions of estimators and pipelines."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

from ferroprop._core import RecurrentNetwork
from ferroprop.estimators import MLPClassifier, MLPRegressor
from ferroprop.estimators._sklearn import check_is_fitted
from ferroprop.export._description import Description, Labels, Quantities, layers_of, recurrent_layers_of
from ferroprop.export._preparation import Arithmetic
from ferroprop.export._steps import Table, UnknownStepError, prepared, scaling
from ferroprop.export._tabular import describe_tabular
from ferroprop.tabular import TabularMLPClassifier, TabularMLPRegressor


def describe_estimator(model: Any) -> Description:
    """Return the description of an estimator, of a pipeline, or of the best one of a search."""
    if hasattr(model, "best_estimator_"):
        model = model.best_estimator_
    if isinstance(model, Pipeline):
        return _pipeline(model)
    if isinstance(model, TransformedTargetRegressor):
        return _transformed_target(model)
    if isinstance(model, (MLPClassifier, MLPRegressor)):
        return _network_alone(model)
    if isinstance(model, (TabularMLPClassifier, TabularMLPRegressor)):
        _require_fitted(model)
        return describe_tabular(model)
    raise TypeError(
        "model must be a Network, an MLPClassifier, an MLPRegressor, a Pipeline that ends in one, a "
        f"TabularMLPClassifier or a TabularMLPRegressor, got {type(model).__name__}"
    )


def _network_alone(model: MLPClassifier | MLPRegressor) -> Description:
    model = model._as_it_is()
    _require_fitted(model)
    network, recurrent = model._network(), ()
    if isinstance(network, RecurrentNetwork):
        if network.returns == "every":
            raise ValueError(
                f"returns of {type(model).__name__} must be 'last' to be exported, got 'every'; network_ "
                "with its outputs at every step can be"
            )
        recurrent, layers = recurrent_layers_of(network)
    else:
        layers = layers_of(network)
    names = getattr(model, "feature_names_in_", None)
    described = partial(
        Description,
        layers,
        feature_names=None if names is None else tuple(map(str, names)),
        recurrent=recurrent,
    )
    if isinstance(model, MLPRegressor):
        return described(Quantities(single=model.n_outputs_ == 1))
    kinds = {"binary": "binary", "multiclass": "multiclass", "multilabel-indicator": "multilabel"}
    kind = kinds[model._label_binarizer.y_type_]
    labels = Labels(np.asarray(model.classes_), kind, model._has_margins())  # type: ignore[arg-type]
    return described(labels)


def _pipeline(model: Pipeline) -> Description:
    *earlier, (name, last) = model.steps
    if all(step is None or (isinstance(step, str) and step == "passthrough") for _, step in earlier):
        return describe_estimator(last)
    _require_fitted(model)
    described = describe_estimator(last)
    if described.preparation is not None:
        raise UnknownStepError(f"step {name!r}: a pipeline in a pipeline")
    if described.recurrent:
        raise UnknownStepError(f"step {name!r}: a recurrent network after steps that prepare its sequences")
    before = Pipeline(model.steps[:-1])
    names = getattr(model, "feature_names_in_", None)
    table = Table.of(int(model.n_features_in_), None if names is None else list(map(str, names)))
    return replace(described, preparation=prepared(before, table))


def _transformed_target(model: TransformedTargetRegressor) -> Description:
    _require_fitted(model)
    described = describe_estimator(model.regressor_)
    if not isinstance(described.result, Quantities):
        raise TypeError(f"regressor must be an MLPRegressor, got {type(model.regressor_).__name__}")
    single = model._training_dim == 1
    transformer = model.transformer_
    operations = scaling(transformer)
    if operations is None:
        raise UnknownStepError(
            f"the transformer {type(transformer).__name__} of the target cannot be exported"
        )
    inverse = {"Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul"}
    back = [
        Arithmetic(inverse[operation.operator], operation.values)  # type: ignore[arg-type]
        for operation in reversed(operations)
        if isinstance(operation, Arithmetic)
    ]
    return replace(described, result=Quantities(single, [*described.result.operations, *back]))


def _require_fitted(model: Any) -> None:
    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise ValueError(
            f"this {type(model).__name__} is not fitted yet: call fit before it is exported"
        ) from error
