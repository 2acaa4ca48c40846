"""Ensembles of our estimators, whose members are trained side by side and predict without detours.

====================== =====================================================================
`_bagging`             scikit-learn's bagging
`_cross_validation`    the members of a cross-validation, each stopped early on its fold
`_sklearn`             the door to scikit-learn's ensembles
====================== =====================================================================
"""

from ferroprop.ensemble._bagging import BaggingClassifier, BaggingRegressor
from ferroprop.ensemble._cross_validation import CVEnsembleClassifier, CVEnsembleRegressor

__all__ = ["BaggingClassifier", "BaggingRegressor", "CVEnsembleClassifier", "CVEnsembleRegressor"]
