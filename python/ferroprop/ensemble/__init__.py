"""Ensembles of our estimators, whose members are trained side by side and predict without detours.

====================== =====================================================================
`_bagging`             scikit-learn's bagging
`_cross_validation`    the members of a cross-validation, each stopped early on its fold
`_selection`           which candidates of a search make the best ensemble
`_sklearn`             the door to scikit-learn's ensembles
====================== =====================================================================
"""

from ferroprop.ensemble._bagging import BaggingClassifier, BaggingRegressor
from ferroprop.ensemble._cross_validation import CVEnsembleClassifier, CVEnsembleRegressor
from ferroprop.ensemble._selection import greedy_selection, out_of_fold_predictions

__all__ = [
    "BaggingClassifier",
    "BaggingRegressor",
    "CVEnsembleClassifier",
    "CVEnsembleRegressor",
    "greedy_selection",
    "out_of_fold_predictions",
]
