"""
A table as it comes: penguins
=============================

Numbers of different size, text and gaps: the tabular estimators take such a table as it is. Here they tell
the sex of a penguin and, from all else, how heavy it is; then the usual questions about a model are asked
with scikit-learn's own tools.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from ferroprop import TabularMLPClassifier, TabularMLPRegressor
from ferroprop.displays import MemberCurvesDisplay
from sklearn.calibration import CalibrationDisplay
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.metrics import ConfusionMatrixDisplay, PredictionErrorDisplay

here = Path(__file__).parent if "__file__" in globals() else Path()
penguins = pd.read_csv(here / "penguins.csv")
penguins.head()

# %%
# Classes
# -------
# Rows whose target is not known cannot be learned from; gaps elsewhere may stay. Five networks are trained,
# each without a fifth of the rows, so that there is a prediction for every row by a network that has not
# seen it: ``oof_prediction_``.

known = penguins.dropna(subset="sex")
X, y = known.drop(columns="sex"), known["sex"]
mlp = TabularMLPClassifier(max_iter=100, random_state=0).fit(X, y)
print(f"{mlp.oof_score_:.1%} of {len(y)} penguins right, by networks that have not seen them")
print(f"numbers are encoded {mlp.numeric_encoding_!r}: losses on rows left out {mlp.encoding_losses_}")

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
MemberCurvesDisplay.from_estimator(mlp, ax=left)
left.set_title("Learning", loc="left")
ConfusionMatrixDisplay.from_predictions(
    y, mlp.classes_[mlp.oof_prediction_.argmax(axis=1)], ax=middle, colorbar=False, cmap="Blues"
)
middle.set_title("Rows left out", loc="left")
CalibrationDisplay.from_predictions(
    y, mlp.oof_prediction_[:, 1], pos_label=mlp.classes_[1], n_bins=5, strategy="quantile", ax=right
)
right.get_legend().remove()
right.set(xlabel="probability of a male", ylabel="share of males")
right.set_title("Are probabilities right?", loc="left")
plt.show()

# %%
# What it looks at
# ----------------
# A column is as important as the score falls when its values are shuffled.

found = permutation_importance(mlp, X, y, n_repeats=5, random_state=0)
importance = pd.Series(found.importances_mean, X.columns).sort_values()
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
left.barh(importance.index, importance, color="#b7410e")
left.set_xlabel("accuracy lost")
left.set_title("Importance", loc="left")
display = PartialDependenceDisplay.from_estimator(
    mlp,
    X,
    ["body_mass_g"],
    kind="both",
    ax=right,
    random_state=0,
    subsample=60,
    grid_resolution=30,
    ice_lines_kw={"color": "#bbbbbb", "linewidth": 0.5},
    pd_line_kw={"color": "#b7410e", "linewidth": 2},
)
display.axes_[0, 0].set_title("Probability of a male", loc="left")
plt.show()

# %%
# Numbers and their intervals
# ---------------------------
# The same for the body mass. Quantiles come from the residuals of rows left out; nine of ten penguins should
# lie in a 90 % interval.

weighed = penguins.dropna(subset="body_mass_g")
X, y = weighed.drop(columns="body_mass_g"), weighed["body_mass_g"]
test = X.index % 4 == 0
mlp = TabularMLPRegressor(max_iter=100, random_state=0).fit(X[~test], y[~test])
low, high = mlp.predict(X[test], quantiles=[0.05, 0.95]).T
predicted = mlp.predict(X[test])
inside = (y[test] > low) & (y[test] < high)
print(f"R2 {mlp.score(X[test], y[test]):.2f}; {inside.mean():.0%} of new penguins in their intervals")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
left.errorbar(
    predicted,
    y[test],
    xerr=[predicted - low, high - predicted],
    fmt="o",
    color="#20639b",
    ecolor="#20639b55",
    markersize=3,
)
left.axline((4000, 4000), slope=1, color="#bbbbbb", zorder=0)
left.set(xlabel="predicted, with its 90 % interval, in g", ylabel="body mass in g")
left.set_title("New penguins", loc="left")
PredictionErrorDisplay.from_predictions(y[~test], mlp.oof_prediction_, ax=right, scatter_kwargs={"s": 8})
right.set_title("Residuals of rows left out", loc="left")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()
