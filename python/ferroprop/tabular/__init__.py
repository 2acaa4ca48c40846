"""Tables as they come: estimators that need no pipeline, no scaling and no tuning.

===================== =========================================================================
`classifier`          `TabularMLPClassifier`: classes and probabilities out
`regressor`           `TabularMLPRegressor`: numbers and their quantiles out
`_base`               the base of both: parameters, the course of a fit, the members' outputs
`encoder`             `TabularEncoder`: a table in, inputs of a network out
`_table`              the one door to data frames, Arrow tables and arrays
`_read_column`        a column of any of them as one of ours
`_column`             a column of a table, and its values as categories
`_cells`              single values: missing, numbers, dates or text
`_kinds`              what the encoding takes a column for: numbers, categories or dates
`_spelt`              texts that spell numbers or dates
`_zones`              time zones of dates
`_quantities`         targets that are numbers
`_labels`             targets that are classes
`_weights`            weights of rows
`_numbers`            a column of numbers: scaled, piecewise linear, periodic
`_categories`         a column of categories: one input per level
`_dates`              a column of dates: a number, and the place in the year, the week and the day
`_drift`              how the columns of another table differ
`_doubts`             warnings: leaks, identifiers, rows in both parts, tables of another kind
`_distinct`           the distinct rows of a table, in an order that depends on their contents alone
`_trials`             the trainings of a fit, from what is tried to what is kept
`_column_weights`     how much columns matter, and inputs made small by it
`_candidates`         the encodings that an ensemble tries, and networks of several side by side
`_folds`              which rows a member is tested on
`_recipe`             how a member is built and trained
`_member`             one network, from its first weights to its best epoch
`importance`          `grouped_permutation_importance`: how much groups of columns matter
`_correlated`         groups of columns that carry nearly the same information
`_course`             the members on threads, the time limit, the reports of their epochs
`_callbacks`          scikit-learn's callbacks
`_calibration`        the temperature that calibrates probabilities
`_spread`             quantiles of the target around a prediction
===================== =========================================================================
"""

from ferroprop.tabular._doubts import DataWarning
from ferroprop.tabular._drift import ColumnDrift
from ferroprop.tabular._member import MemberEpoch
from ferroprop.tabular.classifier import TabularMLPClassifier
from ferroprop.tabular.encoder import TabularEncoder
from ferroprop.tabular.importance import grouped_permutation_importance
from ferroprop.tabular.regressor import TabularMLPRegressor

__all__ = [
    "ColumnDrift",
    "DataWarning",
    "MemberEpoch",
    "TabularEncoder",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "grouped_permutation_importance",
]
