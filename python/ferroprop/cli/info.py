"""``ferroprop info``: what a file holds."""

from pathlib import Path

from rich.console import Console

from ferroprop import Network
from ferroprop.cli.card import Card, Layer
from ferroprop.cli.console import results_console
from ferroprop.cli.model_file import read_card
from ferroprop.cli.problem import Problem, first_line, quoted
from ferroprop.cli.report import columns_table, history_table, layers_table, scores_table, training_sentence


def info(model: Path) -> None:
    """Show a model file, or the network that `ferroprop.Network.save` wrote.

    Parameters
    ----------
    model : path
        The file; its content decides what it is.

    Raises
    ------
    Problem
        If it is neither.
    """
    console = results_console()
    if model.suffix == ".safetensors" and _is_readable(model):
        _show_network(console, model)
    else:
        _show_model(console, model, read_card(model))


def _show_model(console: Console, path: Path, card: Card) -> None:
    of_what = f" ({quoted(card.classes)})" if card.classes else ""
    console.print(f"{path.name}: {card.task} of '{card.target}'{of_what}", style="bold", soft_wrap=True)
    made = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    console.print(f"Trained on {card.train_rows:,} rows by {made}.")
    tables = [
        columns_table(card.columns),
        layers_table(card.layers),
        history_table(card.history),
        scores_table(card.scores, card.test_rows),
    ]
    for table in tables:
        console.print()
        console.print(table)
    console.print()
    console.print(training_sentence(card.history))


def _show_network(console: Console, path: Path) -> None:
    try:
        network = Network.load(path)
    except (ValueError, OSError) as error:
        raise Problem(f"MODEL: '{path}' is not a network file: {first_line(error)}") from error
    console.print(f"{path.name}: a network in {network.dtype}, without the training around it", style="bold")
    console.print()
    console.print(layers_table(layers_of_network(network)))


def layers_of_network(network: Network) -> list[Layer]:
    """Return the layers of a network.

    Examples
    --------
    >>> layers_of_network(Network([4, 10, 3], output="softmax", bias=[True, False]))[-1]
    Layer(inputs=10, outputs=3, activation='softmax', parameters=30)
    """
    sizes = network.layer_sizes
    activations = [*network.activations, network.output]
    return [
        Layer(inputs, outputs, str(activation), inputs * outputs + outputs * has_biases)
        for inputs, outputs, activation, has_biases in zip(
            sizes[:-1], sizes[1:], activations, network.bias, strict=True
        )
    ]


def _is_readable(path: Path) -> bool:
    return path.is_file()
