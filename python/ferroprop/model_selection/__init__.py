"""Searches and cross-validations: scikit-learn's own, with the fits of our estimators side by side.

Everything here takes the place of the same name in `sklearn.model_selection`: the same code, the same
arguments and results. What differs is who runs the fits: those of `MLPClassifier`, `MLPRegressor` and their
kin, alone or as the last step of a `Pipeline`, are trained side by side in one call of the core, in this
process. The joblib backend is there without this module, once an estimator of ferroprop is imported: within
``joblib.parallel_config("ferroprop")`` scikit-learn's own searches and ensembles run so.

================ =======================================================
`_searches`      the classes
`_validation`    the functions
`_backend`       the joblib backend, which collects tasks
`_tasks`         tasks of scikit-learn's, and fits of ours in them
`_documentation` docstrings of scikit-learn's, adapted
`_memory`        transformers that are fitted once per split and setting
`_continued`     fits that go on with more epochs
`_sklearn`       the door to scikit-learn's private parts
================ =======================================================
"""

from ferroprop.model_selection._searches import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from ferroprop.model_selection._validation import (
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)

__all__ = [
    "GridSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "RandomizedSearchCV",
    "cross_val_predict",
    "cross_val_score",
    "cross_validate",
    "learning_curve",
    "validation_curve",
]
