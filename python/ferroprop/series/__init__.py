"""Series in time for models that take rows: tables of lagged values, and forecasts that feed themselves.

=========== ================================================================
`_lagged`   `lagged`: from series to inputs and targets
`_forecast` `forecast`: predictions step by step, each an input of the next
`_lags`     which earlier steps a model sees
`_values`   series as they are given: checks, and the names of their columns
=========== ================================================================
"""

from ferroprop.series._forecast import forecast
from ferroprop.series._lagged import Lagged, lagged

__all__ = ["Lagged", "forecast", "lagged"]
