"""The way from any model to its description; scikit-learn is imported for estimators alone."""

from ferroprop._core import Network, RecurrentNetwork
from ferroprop.export._description import Description, Outputs, layers_of, recurrent_layers_of


def describe(model: object, *, recurrent: bool = False, tables: bool = False) -> Description:
    """Return the description of a model.

    Parameters
    ----------
    model : Network, estimator or Pipeline
        An estimator or a pipeline must be fitted.
    recurrent : bool, default=False
        Whether layers may recur.
    tables : bool, default=False
        Whether there may be several networks, and columns that a `TabularEncoder` prepares.

    Raises
    ------
    TypeError
        If `model` is of another class, or recurrent, or for tables as they come, where that may not be.
    ValueError
        If `model` is not fitted, has complex numbers or stochastic units, or has a step that cannot be
        exported; the message names the step.
    """
    if isinstance(model, Network):
        return Description(layers_of(model), Outputs())
    if isinstance(model, RecurrentNetwork):
        hidden, output = recurrent_layers_of(model)
        described = Description(output, Outputs(), recurrent=hidden, every=model.returns == "every")
    else:
        from ferroprop.export._estimators import describe_estimator

        described = describe_estimator(model)
    if described.recurrent and not recurrent:
        raise TypeError(
            f"recurrent networks are exported to ONNX, PyTorch and Keras alone, got {type(model).__name__}"
        )
    if not tables and (described.ensemble or (described.preparation and described.preparation.is_double)):
        raise TypeError(f"what TabularEncoder prepares is exported to ONNX alone, got {type(model).__name__}")
    return described
