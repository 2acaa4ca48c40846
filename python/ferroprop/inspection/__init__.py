"""Backpropagation in full view: one step as data, gradients checked, networks described.

The core computes the numbers; this package arranges and shows them.
"""

from ferroprop.inspection._gradient_check import GradientCheck, GradientError, check_gradients
from ferroprop.inspection._recurrent_step import RecurrentLayerTrace
from ferroprop.inspection._recurrent_trace import RecurrentTrace
from ferroprop.inspection._step import LayerTrace, Update
from ferroprop.inspection._summary import LayerSummary, Summary
from ferroprop.inspection._through_time import state_gradients
from ferroprop.inspection._trace import Trace, trace

__all__ = [
    "GradientCheck",
    "GradientError",
    "LayerSummary",
    "LayerTrace",
    "RecurrentLayerTrace",
    "RecurrentTrace",
    "Summary",
    "Trace",
    "Update",
    "check_gradients",
    "state_gradients",
    "trace",
]
