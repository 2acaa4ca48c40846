"""``ferroprop export``: a model for other runtimes, or as text."""

from pathlib import Path
from typing import Any

from ferroprop.cli.card import Card
from ferroprop.cli.console import print_json, results_console, say
from ferroprop.cli.destination import check_destinations, written
from ferroprop.cli.model_file import load_model, load_network, read_card
from ferroprop.cli.problem import Problem
from ferroprop.cli.wording import first_line, shown

SUFFIXES = {"onnx": ".onnx", "c": ".h", "json": ".json"}

CELLS = {
    ("tabular", "boolean"): "true or false, as text; empty: missing",
    ("mlp", "boolean"): "true or false, as text; empty: missing",
    ("tabular", "duration"): "a time in days, 06:00 is 0.25; NaN: missing",
    ("mlp", "duration"): "a time in days, 06:00 is 0.25; NaN: missing",
    ("mlp", "date"): "a date: days since 1970-01-01 00:00 by the same clock; NaN: missing",
}
"""What the graph's cells are, by model and kind of column, where the estimator alone cannot know it."""


def export(
    model: Path, form: str, output: Path | None, *, name: str | None = None, as_json: bool = False
) -> None:
    """Write a model in another form.

    Parameters
    ----------
    model : path
        A model file of ``ferroprop train``, or a network that `ferroprop.Network.save` wrote.
    form : {"onnx", "c", "json"}
        The form.
    output : path or None
        The file to write; None is that of the model with another suffix, which must not exist.
    name : str or None
        The prefix of all names in a header; None is ``net``.
    as_json : bool
        Print what was written as JSON.

    Raises
    ------
    Problem
        If the model has no such form, or a file cannot be read or written.
    """
    if name is not None and form != "c":
        raise Problem(f"--name: {form} has no names to choose; expected --to c")
    if name is not None:
        check_name(name)
    path = model.with_suffix(SUFFIXES[form]) if output is None else output
    if path.suffix.lower() != SUFFIXES[form]:
        raise Problem(f"--output: '{path}' does not end like {form}; expected {SUFFIXES[form]}")
    if output is None and path.exists():
        raise Problem(f"--output: '{path}' exists already; name the file to write")
    check_destinations({"--output": path}, {"MODEL": model})
    is_network = model.suffix == ".safetensors" and model.is_file()
    card = None if is_network else read_card(model)  # says what is wrong with a file of another kind
    trained = load_network(model) if card is None else _trained(model, form)
    try:
        content = _content(trained, form, name or "net", card)
    except (TypeError, ValueError, ImportError) as error:
        raise Problem(f"MODEL: '{model}' cannot be exported to {form}: {first_line(error)}") from error
    with written(path, "--output") as temporary:
        temporary.write_bytes(content)
    if as_json:
        print_json({"form": form, "path": str(path), "bytes": len(content)})
    else:
        say(results_console(), f"Wrote {path}: {form}, {len(content):,} bytes")


def _trained(model: Path, form: str) -> Any:
    """Return the pipeline of a model file, if it has such a form."""
    trained = load_model(model)
    if form != "onnx" and type(trained).__name__.startswith("Tabular"):
        other = ", or a model that was trained with --model mlp" if form == "c" else ""
        raise Problem(
            f"MODEL: '{model}' is a {type(trained).__name__}, whose preparation of a table has no form in "
            f"{form}; expected --to onnx{other}"
        )
    if form == "json":
        raise Problem(
            f"MODEL: '{model}' prepares the columns of a table, which JSON cannot hold, only a network; "
            "expected --to onnx or --to c, or a network file (.safetensors)"
        )
    return trained


def check_name(name: str) -> None:
    """Refuse a prefix that C does not take.

    Raises
    ------
    Problem
        If it is none.
    """
    from ferroprop.export._c import IDENTIFIER

    if not IDENTIFIER.match(name):
        raise Problem(
            f"--name: got {shown(name)}; expected a name in C: a letter, then letters, digits and _"
        )


def _content(trained: Any, form: str, name: str, card: Card | None) -> bytes:
    from ferroprop.export import to_c, to_json, to_onnx

    if form == "onnx":
        proto = to_onnx(trained)
        kinds = {} if card is None else {column.name: (card.model, column.kind) for column in card.columns}
        for one in proto.graph.input:  # an underscore follows the name of an output
            kind = kinds.get(one.name) or kinds.get(one.name.rstrip("_"))
            if kind in CELLS:
                one.doc_string = CELLS[kind]
        content: bytes = proto.SerializeToString()
        return content
    text = to_c(trained, name=name).text if form == "c" else to_json(trained)
    return str(text).encode("utf-8")
