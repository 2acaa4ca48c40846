"""The command line: `ferroprop train`, `predict`, `evaluate`, `report`, `serve` and `info`.

`app` declares the commands and reports every mistake of the user's in one line. `train`, `predict`,
`evaluate`, `html_report` (``ferroprop report``), `serve` and `info` are the commands. `reading` reads tables,
`serving` answers by HTTP; each other module has one subject, such as the columns, the target, the scores, the
model file or the progress display.

It needs the extra ``ferroprop[cli]``, so nothing outside this package imports it but `ferroprop.__main__`.
"""

from os import PathLike
from pathlib import Path
from typing import Any


def load_model(path: str | PathLike[str]) -> Any:
    """Return the fitted estimator of a file that ``ferroprop train --save`` wrote.

    Parameters
    ----------
    path : str or path-like
        The file. Nothing in it is run.

    Returns
    -------
    estimator
        A `TabularMLPClassifier` or `TabularMLPRegressor`; with ``--model mlp`` a pipeline of scikit-learn.
        Its ``feature_names_in_`` are the columns that it predicts from.

    Raises
    ------
    ValueError
        If the file cannot be read, is of another kind or version, or holds more than a model.
    """
    from ferroprop.cli import model_file
    from ferroprop.cli.problem import Problem

    try:
        model_file.read_card(Path(path))
        return model_file.load_model(Path(path))
    except Problem as problem:
        raise ValueError(problem.format_message().replace("MODEL:", "path:", 1)) from problem
