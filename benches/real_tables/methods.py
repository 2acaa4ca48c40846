"""The methods that are compared, each as its users would call it: defaults, one thread.

A method gets the frame as it is (numbers with NaN, categories as text), fits, and returns the function that
predicts: probabilities, classes in sorted order, or numbers. Whoever refuses missing numbers gets the median
of the training rows; whoever wants numbers alone gets them standardised, categories one-hot.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Predict = Callable[[pd.DataFrame], NDArray[np.float64]]
Fit = Callable[[pd.DataFrame, pd.Series, bool, int], Predict]

FOLDS = 5


@dataclass(frozen=True)
class Method:
    """A method and what it needs.

    Parameters
    ----------
    name : str
        What the command line and the results call it.
    title : str
        What the page calls it.
    needs : str
        The module that has to be importable.
    fit : callable
        Gets inputs, targets, whether they are classes, and a seed; returns the function that predicts.
    ours : bool
        Whether it is ferroprop's.
    """

    name: str
    title: str
    needs: str
    fit: Fit
    ours: bool = False

    def installed(self) -> bool:
        """Tell whether the module is there."""
        try:
            return importlib.util.find_spec(self.needs) is not None
        except ModuleNotFoundError:
            return False


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype)


def _levels(X: pd.DataFrame) -> dict[str, list[str]]:
    return {name: sorted(X[name].dropna().unique()) for name in X.columns if not _is_number(X[name])}


def _as_categories(X: pd.DataFrame, levels: dict[str, list[str]]) -> pd.DataFrame:
    """Return the frame with pandas' categories; levels that the training rows do not have are missing."""
    columns = {
        name: pd.Categorical(X[name].where(X[name].isin(levels[name])), categories=levels[name])
        if name in levels
        else X[name].to_numpy()
        for name in X.columns
    }
    return pd.DataFrame(columns)


def _outputs(model: Any, classes: bool) -> Callable[[Any], NDArray[np.float64]]:
    return lambda X: np.asarray(model.predict_proba(X) if classes else model.predict(X), dtype=float)


def _by_dtype(make: Callable[[bool, int], Any]) -> Fit:
    """Return a fit of a model that reads categories by dtype, and missing numbers as they are."""

    def fit(X: pd.DataFrame, y: pd.Series, classes: bool, seed: int) -> Predict:
        levels = _levels(X)
        model = make(classes, seed)
        model.fit(_plain(_as_categories(X, levels)), y.to_numpy())
        outputs = _outputs(model, classes)
        return lambda rows: outputs(_plain(_as_categories(rows, levels)))

    return fit


def _plain(X: pd.DataFrame) -> pd.DataFrame:
    """Give the columns numbers for names, because LightGBM refuses some characters."""
    return X.set_axis([f"c{i}" for i in range(X.shape[1])], axis=1)


def _lightgbm(classes: bool, seed: int, **settings: Any) -> Any:
    import lightgbm

    model = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    return model(n_jobs=1, verbose=-1, random_state=seed, **settings)


def _folds(y: pd.Series, classes: bool, seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return the folds that our ensembles take as well."""
    from sklearn.model_selection import KFold, StratifiedKFold

    folds = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes of fewer rows than folds
        return list(folds.split(np.zeros(len(y)), y))


def _lightgbm_of_folds(stopping: bool) -> Fit:
    """Return a fit of five LightGBMs, each without a fifth of the rows, which says when to stop if asked."""

    def fit(X: pd.DataFrame, y: pd.Series, classes: bool, seed: int) -> Predict:
        import lightgbm

        levels = _levels(X)
        inputs = _plain(_as_categories(X, levels))
        targets, n = (np.unique(y, return_inverse=True)[1], y.nunique()) if classes else (y.to_numpy(), 0)
        members = []
        for fold, (rows, rest) in enumerate(_folds(y, classes, seed)):
            model = _lightgbm(classes, seed + fold, **({"n_estimators": 2000} if stopping else {}))
            more: dict[str, Any] = {}
            if stopping:
                seen = np.isin(targets[rest], targets[rows]) if classes else np.ones(len(rest), bool)
                more["eval_set"] = [(inputs.iloc[rest[seen]], targets[rest[seen]])]
                more["callbacks"] = [lightgbm.early_stopping(50, verbose=False)]
            members.append(model.fit(inputs.iloc[rows], targets[rows], **more))

        def predict(X: pd.DataFrame) -> NDArray[np.float64]:
            rows = _plain(_as_categories(X, levels))
            if not classes:
                return np.mean([model.predict(rows) for model in members], axis=0)
            total = np.zeros((len(X), n))
            for model in members:
                total[:, model.classes_] += model.predict_proba(rows)
            return total / len(members)

        return predict

    return fit


def _boosted(classes: bool, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)(random_state=seed)


def _catboost(X: pd.DataFrame, y: pd.Series, classes: bool, seed: int) -> Predict:
    import catboost

    levels = _levels(X)

    def text(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(**{name: rows[name].fillna("missing").astype(object) for name in levels})

    model = (catboost.CatBoostClassifier if classes else catboost.CatBoostRegressor)(
        thread_count=1, random_seed=seed, verbose=0, allow_writing_files=False, cat_features=list(levels)
    )
    outputs = _outputs(model.fit(text(X), y.to_numpy()), classes)
    return lambda rows: outputs(text(rows))


def _pytabkit(name: str, **settings: Any) -> Fit:
    """Return a fit of a model of pytabkit; it refuses missing numbers."""

    def fit(X: pd.DataFrame, y: pd.Series, classes: bool, seed: int) -> Predict:
        warnings.simplefilter("ignore", FutureWarning)
        import pytabkit
        import torch

        torch.set_num_threads(1)
        levels = _levels(X)
        middle = X.median(numeric_only=True)

        def inputs(rows: pd.DataFrame) -> pd.DataFrame:
            return _as_categories(rows.fillna(middle), levels)

        model = getattr(pytabkit, f"{name}_{'Classifier' if classes else 'Regressor'}")(
            device="cpu", random_state=seed, n_threads=1, verbosity=0, **settings
        )
        model.fit(inputs(X), y.to_numpy(), cat_col_names=list(levels))
        outputs = _outputs(model, classes)
        return lambda rows: outputs(inputs(rows))

    return fit


def _network(library: Callable[[], Any]) -> Fit:
    """Return a fit of an MLP with its defaults behind the usual pipeline; the target is standardised."""

    def fit(X: pd.DataFrame, y: pd.Series, classes: bool, seed: int) -> Predict:
        from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        levels = _levels(X)
        numbers = [name for name in X.columns if name not in levels]
        parts = ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
                ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(levels)),
            ]
        )
        name = "MLPClassifier" if classes else "MLPRegressor"
        model = getattr(library(), name)(random_state=seed)
        if not classes:
            model = TransformedTargetRegressor(model, transformer=StandardScaler())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # epochs that run out, unseen levels
            outputs = _outputs(make_pipeline(parts, model).fit(X, y.to_numpy()), classes)

        def predict(rows: pd.DataFrame) -> NDArray[np.float64]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                return outputs(rows)

        return predict

    return fit


def _sklearn_library() -> Any:
    import sklearn.neural_network

    return sklearn.neural_network


def _our_library() -> Any:
    import ferroprop

    return ferroprop


def _tabular(n_members: int) -> Fit:
    """Return a fit of our estimators for tables: the frame goes in as it is."""

    def fit(X: pd.DataFrame, y: pd.Series, classes: bool, seed: int) -> Predict:
        import ferroprop.tabular

        name = "TabularMLPClassifier" if classes else "TabularMLPRegressor"
        model = getattr(ferroprop.tabular, name)(n_members=n_members, random_state=seed, n_jobs=1)
        return _outputs(model.fit(X, y.to_numpy()), classes)

    return fit


METHODS = {
    method.name: method
    for method in (
        Method("lightgbm", "LightGBM", "lightgbm", _by_dtype(_lightgbm)),
        Method("lightgbm-folds", "LightGBM, 5 folds", "lightgbm", _lightgbm_of_folds(stopping=False)),
        Method(
            "lightgbm-stopped",
            "LightGBM, 5 folds, early stopping",
            "lightgbm",
            _lightgbm_of_folds(stopping=True),
        ),
        Method("boosting", "HistGradientBoosting", "sklearn", _by_dtype(_boosted)),
        Method("catboost", "CatBoost", "catboost", _catboost),
        Method("realmlp", "RealMLP-TD", "pytabkit", _pytabkit("RealMLP_TD")),
        Method("realmlp-s", "RealMLP-TD-S", "pytabkit", _pytabkit("RealMLP_TD_S")),
        Method("tabm", "TabM-D", "pytabkit", _pytabkit("TabM_D")),
        Method("sklearn-mlp", "scikit-learn's MLP", "sklearn", _network(_sklearn_library)),
        Method("mlp", "ferroprop MLP, defaults", "ferroprop", _network(_our_library), ours=True),
        Method("tabular-1", "ferroprop TabularMLP, 1 member", "ferroprop.tabular", _tabular(1), ours=True),
        Method("tabular", "ferroprop TabularMLP", "ferroprop.tabular", _tabular(FOLDS), ours=True),
    )
}


def one_thread() -> None:
    """Keep the libraries to one thread; to be called before they are imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
