"""Pictures of a fit and of what was learned, in the convention of scikit-learn's displays.

A display holds the numbers of a picture: ``from_estimator`` gets them from an estimator and draws them,
``plot`` draws them again. matplotlib (the extra ``plot``) is loaded when something is drawn.
"""

from ferroprop.displays.decision_region import DecisionRegionDisplay
from ferroprop.displays.gradient_flow import GradientFlowDisplay
from ferroprop.displays.loss_curve import LossCurveDisplay
from ferroprop.displays.member_curves import MemberCurvesDisplay
from ferroprop.displays.state_gradient import StateGradientDisplay

__all__ = [
    "DecisionRegionDisplay",
    "GradientFlowDisplay",
    "LossCurveDisplay",
    "MemberCurvesDisplay",
    "StateGradientDisplay",
]
