"""The way from any model to its description; scikit-learn is imported for estimators alone."""

from ferroprop._core import Network
from ferroprop.export._description import Description, Outputs, layers_of


def describe(model: object) -> Description:
    """Return the description of a model.

    Parameters
    ----------
    model : Network, estimator or Pipeline
        An estimator or a pipeline must be fitted.

    Raises
    ------
    TypeError
        If `model` is of another class.
    ValueError
        If `model` is not fitted, has complex numbers or stochastic units, or has a step that cannot be
        exported; the message names the step.
    """
    if isinstance(model, Network):
        return Description(layers_of(model), Outputs())
    from ferroprop.export._estimators import describe_estimator

    return describe_estimator(model)
