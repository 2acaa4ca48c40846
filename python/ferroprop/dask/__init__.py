"""Fits on Dask's collections, with the same bits as on one machine.

`DaskMLPClassifier` and `DaskMLPRegressor` are `MLPClassifier` and `MLPRegressor` whose ``fit`` takes arrays
and DataFrames of Dask, and `train` is `ferroprop.train` for them. Needs the extra ``dask``; unpickling a
fitted estimator, and predicting with it, does not.

============== ======================================================
`_estimators`  the estimators
`_training`    `train`
`_tables`      tables that are Dask's collections, and their parts
`_cluster`     calls on Dask's workers: results, errors, interruption
============== ======================================================
"""

from ferroprop.dask._estimators import DaskMLPClassifier, DaskMLPRegressor
from ferroprop.dask._training import train

__all__ = ["DaskMLPClassifier", "DaskMLPRegressor", "train"]
