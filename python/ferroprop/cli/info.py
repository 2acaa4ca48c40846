"""``ferroprop info``: the contents of a model file."""

from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from ferroprop import Network
from ferroprop.cli.card import Card
from ferroprop.cli.console import print_json, results_console, say
from ferroprop.cli.layers import layers_of_network
from ferroprop.cli.model_file import load_network, read_card
from ferroprop.cli.report import (
    columns_table,
    history_table,
    layers_table,
    left_out_table,
    scores_table,
    settings_text,
    training_sentence,
    trials_table,
)
from ferroprop.cli.wording import quoted


def info(model: Path, *, as_json: bool = False) -> None:
    """Show a model file, or a network that `ferroprop.Network.save` wrote.

    Parameters
    ----------
    model : path
        The file; its content decides what it is.
    as_json : bool
        Print it as JSON.

    Raises
    ------
    Problem
        If the file is neither of these.
    """
    console = results_console()
    if model.suffix == ".safetensors" and _is_readable(model):
        network = load_network(model)
        if as_json:
            layers = [asdict(layer) for layer in layers_of_network(network)]
            print_json({"dtype": network.dtype, "layers": layers})
        else:
            _show_network(console, model, network)
        return
    card = read_card(model)
    if as_json:
        print_json(card.to_plain())
    else:
        _show_model(console, model, card)


def _show_model(console: Console, path: Path, card: Card) -> None:
    of_what = f" ({quoted(card.classes)})" if card.classes else ""
    say(console, f"{path.name}: {card.task} of '{card.target}'{of_what}", "bold")
    made = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    console.print(f"Trained on {card.train_rows:,} rows by {made}.")
    say(console, f"The table was read as {card.layout}.")
    if card.settings:
        say(console, f"Settings: {settings_text(card.settings)}")
    tables = [
        columns_table(card.columns),
        *([left_out_table(card.left_out)] if card.left_out else []),
        layers_table(card.layers, len(card.history)),
        history_table(card.history),
        *([trials_table(card.trials, card.task)] if card.trials else []),
        scores_table(card),
    ]
    for table in tables:
        console.print()
        console.print(table)
    console.print()
    console.print(training_sentence(card.history, card.trained, card.seconds))
    for text in card.notes:
        say(console, f"note: {text}", "dim")


def _show_network(console: Console, path: Path, network: Network) -> None:
    console.print(f"{path.name}: a network in {network.dtype}, without the training around it", style="bold")
    console.print()
    console.print(layers_table(layers_of_network(network)))


def _is_readable(path: Path) -> bool:
    return path.is_file()
