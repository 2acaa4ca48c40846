"""Tables as they come: estimators that need no pipeline, no scaling and no tuning.

===================== =========================================================================
`encoder`             `TabularEncoder`: a table in, inputs of a network out
`_table`              the one door to data frames, Arrow tables and arrays
`_numbers`            a column of numbers: scaled, clipped softly, piecewise linear, periodic
`_categories`         a column of categories: an input a level
`_dates`              a column of dates: a number, and where in the year, the week and the day
===================== =========================================================================
"""

from ferroprop.tabular.encoder import TabularEncoder

__all__ = ["TabularEncoder"]
