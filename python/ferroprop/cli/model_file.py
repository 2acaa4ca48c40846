"""The model file: a skops archive with a card that describes the model.

The archive is skops' own (a zip file with ``schema.json`` and arrays, never a pickle) with one more member,
``ferroprop.json``, the card. The card is read and checked first, so that a file of another kind or version is
refused before an object is made from it; and it is all that ``ferroprop info`` needs.
"""

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

from ferroprop import Network, __version__
from ferroprop.cli.card import Card
from ferroprop.cli.destination import written
from ferroprop.cli.problem import Problem
from ferroprop.cli.wording import first_line

FORMAT = "ferroprop model"
VERSION = 3
CARD = "ferroprop.json"
LARGEST_CARD = 64 * 2**20
"""The largest card, in bytes; a file with a larger one is not read."""

TRUSTED_TYPES = [
    "ferroprop.estimators.classifier.MLPClassifier",
    "ferroprop.estimators.regressor.MLPRegressor",
    "ferroprop.tabular._categories.CategoryColumn",
    "ferroprop.tabular._dates.DateColumn",
    "ferroprop.tabular._numbers.NumberColumn",
    "ferroprop.tabular._spread.Spread",
    "ferroprop.tabular.classifier.TabularMLPClassifier",
    "ferroprop.tabular.encoder.TabularEncoder",
    "ferroprop.tabular.regressor.TabularMLPRegressor",
    "numpy.dtype",
]
"""The types beyond skops' own list that a model file may hold; any other is refused."""


OTHER_KINDS = (".h5", ".joblib", ".json", ".keras", ".onnx", ".pickle", ".pkl", ".pt", ".pth", ".safetensors")


def check_model_name(path: Path | None) -> None:
    """Refuse a model file whose name ends like that of another kind of model.

    Raises
    ------
    Problem
        If the name ends in one of `OTHER_KINDS`.
    """
    if path is not None and path.suffix.lower() in OTHER_KINDS:
        raise Problem(
            f"--save: '{path}' ends like another kind of model; expected .skops "
            "('ferroprop export' writes others)"
        )


def save_model(path: Path, model: Any, card: Card, option: str) -> None:
    """Write the model file, complete or not at all.

    Parameters
    ----------
    path : path
        The file to write.
    model : estimator
        The fitted estimator or pipeline.
    card : Card
        The description of the model.
    option : str
        The option that named the path, for messages.
    """
    import skops.io

    archive = io.BytesIO(skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(archive, "a", compression=zipfile.ZIP_DEFLATED) as members:
        content = {"format": FORMAT, "version": VERSION, **card.to_plain()}
        members.writestr(CARD, json.dumps(content, ensure_ascii=False, indent=1))
    with written(path, option) as temporary:
        temporary.write_bytes(archive.getvalue())


def read_card(path: Path) -> Card:
    """Read the card of a model file, without loading the model.

    Raises
    ------
    Problem
        If the file is not there, of another kind, of another version or damaged.
    """
    try:
        with zipfile.ZipFile(path) as members:
            names = members.namelist()
            if CARD not in names:
                kind = "a skops file, but not one of ferroprop's" if "schema.json" in names else "a zip file"
                raise Problem(
                    f"MODEL: '{path}' is {kind}; expected a file that 'ferroprop train --save' wrote"
                )
            if members.getinfo(CARD).file_size > LARGEST_CARD:
                raise Problem(f"MODEL: '{path}' is damaged: its card is larger than {LARGEST_CARD} bytes")
            content = json.loads(members.read(CARD))
    except zipfile.BadZipFile:
        raise Problem(
            f"MODEL: '{path}' is not a model file; expected one that 'ferroprop train --save' wrote"
        ) from None
    except IsADirectoryError:
        raise Problem(
            f"MODEL: '{path}' is a folder; expected a file that 'ferroprop train --save' wrote"
        ) from None
    except OSError as error:
        raise Problem(f"MODEL: cannot read '{path}': {error.strerror}") from error
    except Problem:
        raise
    except Exception as error:  # zipfile lets zlib's, struct's, json's and its own errors through
        raise Problem(f"MODEL: '{path}' is damaged: {first_line(error)}") from error
    _check_version(path, content)
    try:
        return Card.from_plain(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Problem(f"MODEL: '{path}' is damaged: its card lacks {first_line(error)}") from error


def load_model(path: Path) -> Any:
    """Load the fitted estimator of a model file, whose card `read_card` has accepted.

    Raises
    ------
    Problem
        If the file holds a type that a model file has no use for, or is damaged.
    """
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", InconsistentVersionWarning
            )  # ferroprop.cli.predict says it in one line
            return skops.io.load(path, trusted=TRUSTED_TYPES)
    except UntrustedTypesFoundException as error:
        raise Problem(
            f"MODEL: '{path}' is refused, it holds more than a model: {first_line(error)}"
        ) from error
    except Exception as error:  # a damaged archive can fail in any of skops' constructors
        raise Problem(f"MODEL: '{path}' is damaged: {first_line(error)}") from error


def _check_version(path: Path, content: Any) -> None:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise Problem(
            f"MODEL: '{path}' is not a model file; expected one that 'ferroprop train --save' wrote"
        )
    version = content.get("version")
    if version != VERSION:
        raise Problem(
            f"MODEL: '{path}' has version {version!r} of the model format;"
            f" ferroprop {__version__} reads version {VERSION}; 'ferroprop train' makes it anew"
        )


def load_network(path: Path) -> Network:
    """Load a network that `ferroprop.Network.save` wrote.

    Raises
    ------
    Problem
        If the file is none.
    """
    try:
        return Network.load(path)
    except (ValueError, OSError) as error:
        raise Problem(f"MODEL: '{path}' is not a network file: {first_line(error)}") from error
