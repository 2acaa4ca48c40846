"""The layers of a network, as the card lists them."""

from ferroprop import Network
from ferroprop.cli.card import Layer


def layers_of_network(network: Network) -> list[Layer]:
    """Return the layers of a network.

    Examples
    --------
    >>> layers_of_network(Network([4, 10, 3], output_activation="softmax", bias=[True, False]))[-1]
    Layer(inputs=10, outputs=3, activation='softmax', parameters=30)
    """
    sizes = network.layer_sizes
    activations = [*network.activations, network.output_activation]
    return [
        Layer(inputs, outputs, str(activation), inputs * outputs + outputs * has_biases)
        for inputs, outputs, activation, has_biases in zip(
            sizes[:-1], sizes[1:], activations, network.bias, strict=True
        )
    ]
