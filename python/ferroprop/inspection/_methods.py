"""The methods that describe a network, which the package adds to the class of the native module."""

from ferroprop._core import Network, RecurrentNetwork
from ferroprop.inspection._drawing import svg_and_legend
from ferroprop.inspection._summary import LayerSummary, Summary


def summary(self: Network | RecurrentNetwork) -> Summary:
    """Return the layers and their parameters as a table.

    Returns
    -------
    summary : Summary
        Data that prints as a table.

    Examples
    --------
    >>> import ferroprop as fp
    >>> print(fp.Network([4, 10, 3], activation="logistic", output_activation="softmax").summary())
    layer     inputs  outputs  activation  parameters
    hidden 1       4       10  logistic            50
    output        10        3  softmax             33
    83 parameters, float32, 332 bytes
    """
    sizes, biases, kinds = self.layer_sizes, self.bias, self._kinds
    activations = [*self.activations, self.output_activation]
    layers = tuple(
        LayerSummary(
            name="output" if layer == len(biases) - 1 else f"hidden {layer + 1}",
            kind=kinds[layer][0],
            inputs=sizes[layer],
            outputs=sizes[layer + 1],
            activation=activations[layer],
            bias=biases[layer],
            n_parameters=kinds[layer][1],
        )
        for layer in range(len(biases))
    )
    count, dtype = self.n_parameters, self.dtype
    return Summary(layers, str(dtype), count, count * dtype.itemsize)


def html(self: Network | RecurrentNetwork) -> str:
    """Return the picture of a network and, under it, its summary, for a notebook."""
    return f"<div>{svg_and_legend(self)}{summary(self)._repr_html_()}</div>"


def give_methods_to(kind: type) -> None:
    """Add these methods to a class of the native module, which knows nothing of the package."""
    kind.summary = summary  # type: ignore[attr-defined]
    kind._repr_html_ = html  # type: ignore[attr-defined]
