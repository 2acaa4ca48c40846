"""
A search that prunes
====================

`Optuna <https://optuna.org>`_ proposes hyperparameters and ends trials that will not be among the best. All
it needs of a fit is the validation loss after each epoch: a `callback` reports it, and by returning True ends
the fit.

Which trials end early depends on their losses alone, never on how long something took, so the search has the
same result each time.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import optuna
from ferroprop import MLPClassifier
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are limited on purpose

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.3, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(X_train, y_train, test_size=0.3, random_state=0)

# %%
# A trial is one fit with early stopping on the validation rows. The callback gets an
# :class:`~ferroprop.Epoch` and tells the trial its loss.


def fit(trial, **changes):
    """Fit with the hyperparameters that a trial proposes."""
    mlp = MLPClassifier(
        hidden_layer_sizes=(trial.suggest_int("units", 8, 64, log=True),),
        alpha=trial.suggest_float("alpha", 1e-4, 10.0, log=True),
        learning_rate_init=trial.suggest_float("learning_rate_init", 1e-4, 0.1, log=True),
        batch_size=64,
        max_iter=30,
        n_iter_no_change=30,
        early_stopping=True,
        scoring="loss",
        random_state=0,
        **changes,
    )
    return mlp.fit(X_train, y_train, X_val=X_val, y_val=y_val)


def objective(trial):
    """Return the least validation loss of a trial, unless it is pruned on the way."""

    def report(epoch):
        trial.report(epoch.validation_loss, epoch.epoch)
        return trial.should_prune()

    mlp = fit(trial, callback=report)
    if trial.should_prune():
        raise optuna.TrialPruned
    return min(mlp.validation_loss_curve_)


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3),
)
study.optimize(objective, n_trials=40)

pruned = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.PRUNED]
epochs = sum(len(trial.intermediate_values) for trial in study.trials)
print(f"{len(pruned)} of {len(study.trials)} trials pruned; {epochs} epochs of {30 * len(study.trials)}")
print("best:", {name: round(value, 5) for name, value in study.best_params.items()})

# %%
# The best trial is fitted once more, and looks at the test rows for the first time.

best = fit(study.best_trial)
print(f"accuracy on the test rows: {best.score(X_test, y_test):.3f}")

# %%
# Each line is a trial. Grey ones were ended where they stop: after three epochs a trial goes on only while it
# is better than the median of those before it.

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for trial in study.trials:
    curve = list(trial.intermediate_values.values())
    ended = trial.state == optuna.trial.TrialState.PRUNED
    axes.semilogy(np.arange(1, len(curve) + 1), curve, color="0.75" if ended else "C0", lw=1)
    if ended:
        axes.plot(len(curve), curve[-1], ".", color="0.6")
axes.plot([], [], color="C0", label="complete")
axes.plot([], [], ".-", color="0.75", label="pruned")
axes.set(xlabel="epoch", ylabel="validation loss", title="40 trials")
axes.legend()
plt.show()
