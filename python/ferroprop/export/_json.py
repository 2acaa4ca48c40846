"""JSON: a model as text that people can read, and back to the bit.

Numbers have as many digits as distinguish them from all others of their type. A text may differ from the one
that `to_json` writes in spaces, the order of fields and the spelling of numbers alone; the error about any
other difference lists each wrong field with its place.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ferroprop._core import Network
from ferroprop.export._description import layers_of, network_of
from ferroprop.export._file import write_file
from ferroprop.export._json_form import VERSION, Reader, network_to_json, quoted, shown, written

NETWORK = "ferroprop network"


def to_json(model: object, path: str | os.PathLike[str] | None = None) -> str:
    """Return a model as JSON, and write it to a file.

    Parameters
    ----------
    model : Network, MLPClassifier or MLPRegressor
        An estimator may be fitted or not.
    path : str or path-like, default=None
        The file to write, usually ``.json``.

    Returns
    -------
    text : str
        The model as JSON, which `from_json` reads. docs/file-format.md describes the form.

    Raises
    ------
    TypeError
        If `model` is of another class.
    ValueError
        If a parameter of an estimator holds a value that JSON cannot, such as a function (the message names
        it), or the network has complex numbers or stochastic units.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.Network([2, 1], dtype="float64", seed=1)
    >>> print(net.to_json())
    {
      "format": "ferroprop network",
      "version": 1,
      "dtype": "float64",
      "layers": [
        {
          "activation": "identity",
          "weights": [
            [-1.0825649794530892],
            [-1.3012592350461032]
          ],
          "biases": [0.4572754387568224]
        }
      ]
    }
    """
    if isinstance(model, Network):
        content = {"format": NETWORK, "version": VERSION, **network_to_json(layers_of(model))}
    else:
        from ferroprop.export._json_estimators import model_to_json

        content = model_to_json(model)
    text = "".join(written(content, "\n")) + "\n"
    if path is not None:
        write_file(path, text.encode())
    return text[:-1]


def from_json(source: str | os.PathLike[str]) -> Any:
    """Return the model from a text of `to_json`.

    Parameters
    ----------
    source : str or path-like
        The text, which begins with ``{``, or the name of a file that holds it.

    Returns
    -------
    model : Network, MLPClassifier or MLPRegressor
        The model, whose predictions have the same bits as those of the original. The text omits the
        optimizer's state: further training begins with fresh momentum, moments or step sizes.

    Raises
    ------
    ValueError
        If the text is not what `to_json` writes; the message lists each wrong field with its place.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import ferroprop as fp
    >>> from ferroprop.export import from_json
    >>> from_json(fp.Network([2, 3, 1], activation=fp.ELU(0.5), seed=1).to_json())
    Network([2, 3, 1], activation=[ELU(alpha=0.5)], output_activation='identity', dtype='float32')
    >>> from_json('{"format": "ferroprop network", "version": 1, "dtype": "float16", "leyers": []}')
    Traceback (most recent call last):
        ...
    ValueError: source has wrong fields:
        leyers: unknown, did you mean 'layers'?
        layers: missing
        dtype: got 'float16', did you mean 'float64'?
    """
    text, name = _text_of(source)
    content = _parsed(text, name)
    if not isinstance(content, dict) or "format" not in content:
        raise ValueError(f"{name} is JSON, but not ferroprop's: it is no object with a field 'format'")
    reader = Reader(name)
    if content["format"] == NETWORK:
        fields = reader.fields(content, "", ("format", "version", "dtype", "layers"))
        reader.version(fields)
        layers = reader.network(fields, "")
        reader.finish()
        return network_of(layers)
    from ferroprop.export._json_estimators import FORMATS, model_from_json

    if content["format"] not in FORMATS:
        known = (NETWORK, *FORMATS)
        raise ValueError(f"{name}: format: expected one of {quoted(known)}, got {shown(content['format'])}")
    return model_from_json(reader, content)


def _text_of(source: str | os.PathLike[str]) -> tuple[str, str]:
    if isinstance(source, str) and source.lstrip()[:1] == "{":
        return source, "source"
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"source must be a JSON text or the name of a file, got {type(source).__name__}")
    name = os.fspath(source)
    try:
        return Path(name).read_text(encoding="utf-8"), repr(name)
    except UnicodeDecodeError as error:
        raise ValueError(f"{name!r} is not text in UTF-8: {error.reason} at byte {error.start}") from None
    except ValueError as error:  # a null byte in the name
        raise ValueError(f"source must be a JSON text or the name of a file: {error}") from None


def _parsed(text: str, name: str) -> Any:
    def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for key in names if names.count(key) > 1)
            raise ValueError(f"the field {shown(twice)} is there twice in one object")
        return content

    def refused(constant: str) -> Any:
        raise ValueError(f"{constant} is no number in JSON")

    try:
        return json.loads(text, object_pairs_hook=without_duplicates, parse_constant=refused)
    except RecursionError:
        raise ValueError(f"{name} is no JSON that can be read: it is nested too deeply") from None
    except ValueError as error:  # of the parser, of the two functions above, of a number with too many digits
        raise ValueError(f"{name} is no JSON that can be read: {error}") from None
