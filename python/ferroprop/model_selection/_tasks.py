"""Tasks that scikit-learn hands to joblib, and the fits of our estimators in them.

A task of scikit-learn's fits an estimator and uses it at once. Here the fit comes first, up to its training;
then the trainings of all tasks run side by side; and then the task itself runs, scikit-learn's own code, with
an estimator whose ``fit`` has already been made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import joblib
import numpy as np
from joblib.parallel import get_active_backend

from ferroprop.estimators import MLPClassifier, MLPRegressor
from ferroprop.estimators._base import BaseMLP
from ferroprop.estimators._checkpoints import PrivateFile
from ferroprop.estimators._fits import Fit, at_a_time, finish_together, postponed
from ferroprop.estimators._input_checks import are_plain
from ferroprop.estimators._optimizers import is_lbfgs
from ferroprop.estimators._parameters import copied, parameter_names
from ferroprop.estimators._samples import CheckedRows, are_row_numbers
from ferroprop.model_selection import _sklearn
from ferroprop.model_selection._continued import Continued
from ferroprop.model_selection._memory import TransformerMemory

_STEPS_OF_PROGRESS = 20
_MEMBERS_OF_BAGGING = "sklearn.ensemble._bagging._parallel_build_estimators"

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""A function, its arguments, its keywords."""


def fitted_one(estimator: Any) -> BaseMLP | None:
    """Return the estimator of ours whose ``fit`` ends that of `estimator`; None if there is none."""
    if type(estimator) is _sklearn.Pipeline:
        steps = estimator.steps
        return fitted_one(steps[-1][1]) if steps and type(steps[-1][1]) is not _sklearn.Pipeline else None
    is_ours = isinstance(estimator, BaseMLP) and type(estimator).fit is BaseMLP.fit
    return estimator if is_ours else None


def takes_checked_rows(estimator: Any) -> bool:
    """Tell whether the ``fit`` of an estimator takes `CheckedRows`, which nobody else gets to see."""
    return type(estimator) in (MLPClassifier, MLPRegressor) and not hasattr(estimator, "_skl_callbacks")


def takes_rows_in_place(estimator: Any) -> bool:
    """Tell whether its ``fit`` takes those of rows that stay where they are."""
    return takes_checked_rows(estimator) and not is_lbfgs(estimator.solver) and estimator.checkpoint is None


class Shared:
    """What the tasks of one call have in common: splits of the data, fitted transformers, checkpoints.

    Parameters
    ----------
    continued : Continued or None
        Knows where fits go on.
    """

    def __init__(self, continued: Continued | None = None) -> None:
        self._continued = continued
        self._files: set[str] = set()
        self._splits: dict[Any, tuple[Any, tuple[Any, Any]]] = {}
        self.memory = TransformerMemory()
        self.has_many_rows = False
        self._looked_at: tuple[Any, Any, bool] | None = None
        self._arrays: dict[int, tuple[Any, Any]] = {}

    def in_arrays(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return options with rows in arrays, as `_fit_and_score` makes them; the same for all tasks."""
        for name in ("train", "test"):
            rows = options[name]
            if not isinstance(rows, np.ndarray):
                if id(rows) not in self._arrays:
                    self._arrays[id(rows)] = rows, np.asarray(rows)
                options = {**options, name: self._arrays[id(rows)][1]}
        return options

    def split(self, estimator: Any, X: Any, y: Any, *rows: Any) -> tuple[Any, Any]:
        """Return these rows, the same arrays for all tasks; of test rows after them those of the training.

        They are for those who do not change them.
        """
        first = type(estimator.steps[0][1]) if isinstance(estimator, _sklearn.Pipeline) else None
        key = id(X), id(y), first, *map(id, rows)
        if key not in self._splits:
            self._splits[key] = (X, y, rows), _sklearn.split(estimator, X, y, *rows)
        return self._splits[key][1]

    def training_split(
        self, estimator: Any, X: Any, y: Any, rows: Any, fit_params: dict[str, Any]
    ) -> tuple[Any, Any]:
        """Return the training rows of a split likewise, as checked ones where they are plain.

        Many rows then stay where they are, if the solver takes them so.
        """
        if not takes_checked_rows(estimator) or not self._are_plain(X, y):
            return self.split(estimator, X, y, rows)
        stay = (
            self.has_many_rows
            and not fit_params
            and takes_rows_in_place(estimator)
            and are_row_numbers(rows, len(y))
        )
        key = id(X), id(y), "rows" if stay else "copy", id(rows)
        if key not in self._splits:
            if stay:
                split = CheckedRows(X, rows), y[rows]
            else:
                X_train, y_train = self.split(estimator, X, y, rows)
                is_plain = X_train.ndim == 2 and len(X_train) > 0  # rows may be none, or no list
                split = (CheckedRows(X_train) if is_plain else X_train), y_train
            self._splits[key] = (X, y, (rows,)), split
        return self._splits[key][1]

    def _are_plain(self, X: Any, y: Any) -> bool:
        if self._looked_at is None or self._looked_at[0] is not X or self._looked_at[1] is not y:
            # a single column of targets is warned of, by each fit
            self._looked_at = X, y, are_plain(X, y) and (y.ndim == 1 or y.shape[1] > 1)
        return self._looked_at[2]

    def forget(self) -> None:
        """Let go of the rows, and of what was made of them."""
        self._splits.clear()
        self.memory = TransformerMemory()

    def checkpoint_of(self, estimator: BaseMLP, options: dict[str, Any]) -> PrivateFile | None:
        """Return the checkpoint of a task's fit, which no other task of the call has."""
        if self._continued is None or options.get("parameters") is None:
            return None
        split, _ = options["split_progress"]
        file = self._continued.file_of(estimator, options["parameters"], split)
        if file in self._files:  # a candidate that was drawn twice
            return None
        if file is not None:
            self._files.add(file)
        return file


class Task:
    """A task that fits one estimator of ours, or a pipeline that ends with one.

    Parameters
    ----------
    call : tuple
        The function, `_fit_and_score` or `_fit_and_predict` of scikit-learn, and its arguments.
    shared : Shared
        What it has in common with others.
    """

    def __init__(self, call: Call, shared: Shared) -> None:
        self.call = call
        self._shared = shared
        self._estimator = call[1][0]
        self._error: Exception | None = None
        self._checkpoint: PrivateFile | None = None
        self._seconds = 0.0
        self._changes_rows = False
        self._training_rows: tuple[Any, Any] | None = None
        self.fits: list[Fit] = []

    def begin(self) -> None:
        """Fit up to the training."""
        _, (estimator, X, y), options = self.call
        parameters = options.get("parameters")
        train = options["train"]
        fit_params = _sklearn.of_rows(X, params=options["fit_params"] or {}, indices=train)
        if parameters is not None:
            _set_parameters(estimator, parameters)
        began = time.perf_counter()
        target = fitted_one(estimator)
        assert target is not None
        self._checkpoint = self._shared.checkpoint_of(target, options)
        own = target.checkpoint, target.checkpoint_every
        if self._checkpoint is not None:
            target.checkpoint, target.checkpoint_every = self._checkpoint, target.max_iter
        try:
            self._changes_rows = _changes_rows(estimator)
            if self._changes_rows:
                X_train, y_train = _sklearn.split(estimator, X, y, train)
                self._training_rows = (X_train, y_train) if options.get("return_train_score") else None
            else:
                X_train, y_train = self._shared.training_split(estimator, X, y, train, fit_params)
            data = (X_train,) if y_train is None else (X_train, y_train)
            with self._remembered(), postponed(lambda fitted: fitted is target) as self.fits:
                estimator.fit(*data, **fit_params)
        except Exception as error:
            self._error = error
        finally:
            target.checkpoint, target.checkpoint_every = own
        self._seconds = time.perf_counter() - began

    @contextmanager
    def _remembered(self) -> Iterator[None]:
        """Let a pipeline remember transformers, unless it changes its rows or has a memory of its own."""
        estimator = self._estimator
        if not isinstance(estimator, _sklearn.Pipeline) or self._changes_rows:
            yield
            return
        estimator.memory = self._shared.memory
        try:
            yield
        finally:
            estimator.memory = None

    def end(self, errors: Sequence[Exception | None], seconds: float) -> Any:
        """Run scikit-learn's function with the fit that has been made, and return its result.

        Parameters
        ----------
        errors : sequence
            What the postponed fits raised.
        seconds : float
            The time of their training.
        """
        function, arguments, options = self.call
        seconds += self._seconds
        is_done = self._error is None and not any(errors)
        if function is _sklearn.fit_and_score and is_done and not _is_watched(options):
            return self._scored(seconds)
        failed = [error for error in (self._error, *errors) if error is not None]

        def fit(*_: Any, **__: Any) -> Any:
            if failed:
                raise failed[0]
            return self._estimator

        if "parameters" in options:
            options = {**options, "parameters": None}  # they have been set
        if self._checkpoint is not None:  # where it cannot go on it starts over
            return function(*arguments, **options)
        self._estimator.__dict__["fit"] = fit
        try:
            result = function(*arguments, **options)
        finally:
            del self._estimator.__dict__["fit"]
        if isinstance(result, dict) and "fit_time" in result:
            result["fit_time"] += seconds
        return result

    def _scored(self, seconds: float) -> dict[str, Any]:
        """Return what scikit-learn's function returns after a fit that did not fail."""
        _, (estimator, X, y), options = self.call
        test, train = options["test"], options["train"]
        began = time.perf_counter()
        # transformers of anybody may change what they predict for
        split = _sklearn.split if isinstance(estimator, _sklearn.Pipeline) else self._shared.split
        X_test, y_test = split(estimator, X, y, test, train)
        scores = self._score(X_test, y_test, test)
        result: dict[str, Any] = {"fit_error": None, "test_scores": scores}
        score_seconds = time.perf_counter() - began
        if options.get("return_train_score"):
            # changed rows are scored as they are after the fit, as scikit-learn does
            X_train, y_train = self._training_rows or split(estimator, X, y, train)
            result["train_scores"] = self._score(X_train, y_train, train)
        if options.get("return_n_test_samples"):
            result["n_test_samples"] = _sklearn.count_rows(X_test)
        if options.get("return_times"):
            result |= {"fit_time": seconds, "score_time": score_seconds}
        if options.get("return_estimator"):
            result["estimator"] = estimator
        return result

    def _score(self, X: Any, y: Any, rows: Any) -> Any:
        _, (estimator, all_rows, _), options = self.call
        params = _sklearn.of_rows(all_rows, params=options["score_params"] or {}, indices=rows)
        return _sklearn.score(estimator, X, y, options["scorer"], params, options["error_score"])


class Fitting:
    """A task that fits estimators of ours and returns them, or what holds them, without a look.

    Parameters
    ----------
    call : tuple
        The function and its arguments.
    wanted : callable
        Tells which estimators these are.
    """

    def __init__(self, call: Call, wanted: Callable[[Any], bool]) -> None:
        self._call = call
        self._wanted = wanted
        self._result: Any = None
        self._error: Exception | None = None
        self.fits: list[Fit] = []

    def begin(self) -> None:
        """Run the function up to the trainings."""
        function, arguments, options = self._call
        with postponed(self._wanted) as self.fits:
            try:
                self._result = function(*arguments, **options)
            except Exception as error:
                self._error = error

    def end(self, errors: Sequence[Exception | None], seconds: float) -> Any:
        """Return the result, or raise what a fit has raised."""
        for error in (*errors, self._error):
            if error is not None:
                raise error
        return self._result


def task_of(call: Call, shared: Shared) -> Task | Fitting | None:
    """Return the task of a call whose trainings can run beside others; None for any other call."""
    function, arguments, options = call
    name = _name_of(function)
    if function is _sklearn.fit_and_score or function is _sklearn.fit_and_predict:
        if _tells_of_its_course(options) or len(arguments) != 3:
            return None
        if fitted_one(_with_parameters(arguments[0], options)) is None:
            return None
        if function is _sklearn.fit_and_score:
            call = function, arguments, shared.in_arrays(options)
        return Task(call, shared)
    if name in ("sklearn.ensemble._base._fit_single_estimator", "sklearn.multioutput._fit_estimator"):
        target = fitted_one(arguments[0])
        if name.startswith("sklearn.ensemble") and target is not None:
            return Fitting(call, lambda fitted: fitted is target)
        # a clone of it is fitted
        return (
            Fitting(call, lambda _: True) if isinstance(target, BaseMLP) and target is arguments[0] else None
        )
    if name == _MEMBERS_OF_BAGGING:
        is_ours = fitted_one(arguments[1].estimator_) is arguments[1].estimator_
        return Fitting(call, lambda _: True) if is_ours else None
    return None


def _name_of(function: Any) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"


def _unwrapped(call: Call) -> Call:
    """Return a call without scikit-learn's wrapper, which carries the configuration to other threads."""
    function, arguments, options = call
    return getattr(function, "function", function), arguments, options


def is_of_a_search(call: Call) -> bool:
    """Tell whether a call is a fit of a search or a cross-validation, with a score."""
    return _unwrapped(call)[0] is _sklearn.fit_and_score


def jobs_of(calls: Sequence[Call], n_jobs: int | None) -> int | None:
    """Return the number of jobs that calls are meant to run on, None if nobody has said.

    A bagging asks joblib first, so its number of jobs is never unset; what it was told to do still is known.
    """
    function, arguments, _ = _unwrapped(calls[0])
    if n_jobs != 1 or _name_of(function) != _MEMBERS_OF_BAGGING:
        return n_jobs
    of_bagging: int | None = arguments[1].n_jobs
    of_context: int | None = get_active_backend()[1]
    return of_context if of_bagging is None else of_bagging


def returning_the_estimator(call: Call) -> Call:
    """Return the call of a search that returns the fitted estimator as well."""
    function, arguments, options = call
    return function, arguments, {**options, "return_estimator": True}


def _changes_rows(estimator: Any) -> bool:
    """Tell whether a pipeline is to be fitted to rows of its own, which it may change in place."""
    if not isinstance(estimator, _sklearn.Pipeline):
        return False
    return estimator.memory is not None or any(
        isinstance(value, _sklearn.FunctionTransformer) or (name.endswith("__copy") and value is False)
        for name, value in estimator.get_params(deep=True).items()
    )


def _with_parameters(estimator: Any, options: dict[str, Any]) -> Any:
    """Return the estimator that a task will fit, which its parameters may replace in part."""
    parameters = options.get("parameters")
    if not parameters or not isinstance(estimator, _sklearn.Pipeline):
        return estimator
    replaces = any("__" not in name for name in parameters)
    return _sklearn.clone(estimator).set_params(**parameters) if replaces else estimator


def _set_parameters(estimator: Any, parameters: dict[str, Any]) -> None:
    """Set parameters as a search does: copies of them, in case they are estimators."""
    names = parameter_names(type(estimator)) if isinstance(estimator, BaseMLP) else ()
    if all(name in names for name in parameters):
        for name, value in parameters.items():
            setattr(estimator, name, copied(value))
    else:
        estimator.set_params(**_sklearn.clone(parameters, safe=False))


def _tells_of_its_course(options: dict[str, Any]) -> bool:
    context = options.get("callback_ctx")
    callbacks = [] if context is None else context._callbacks
    return bool(
        options.get("verbose", 0) > 1
        or options.get("return_parameters")
        or any(getattr(callback, "max_propagation_depth", None) != 0 for callback in callbacks)
    )


def _is_watched(options: dict[str, Any]) -> bool:
    """Tell whether a callback of scikit-learn's is told of each task."""
    context = options.get("callback_ctx")
    return context is not None and bool(context._callbacks)


def run(
    calls: Sequence[Call],
    n_threads: int | None,
    others: Callable[[list[Call]], list[Any]],
    continued: Continued | None = None,
) -> list[Any]:
    """Return the results of calls, those with fits of ours side by side.

    Parameters
    ----------
    calls : sequence of tuple
        Functions with their arguments.
    n_threads : int or None
        Threads to train on.
    others : callable
        Runs the calls without fits of ours.
    continued : Continued or None
        Knows where fits go on.
    """
    shared = Shared(continued)
    tasks = [task_of(_unwrapped(call), shared) for call in calls]
    rest = [call for call, task in zip(calls, tasks, strict=True) if task is None]
    results_of_rest = iter(others(rest) if rest else [])
    own = [task for task in tasks if task is not None]
    is_watched = any(_is_watched(options) for _, _, options in calls)
    results_of_own = iter(_in_groups(own, shared, n_threads, is_watched=is_watched))
    return [next(results_of_rest if task is None else results_of_own) for task in tasks]


def _in_groups(
    tasks: Sequence[Task | Fitting], shared: Shared, n_threads: int | None, *, is_watched: bool
) -> list[Any]:
    """Return the results of tasks, as many side by side as memory has rows for and a progress bar asks."""
    splits = [_split_of(task) for task in tasks]
    n_splits = len(set(splits))
    few = _at_a_time(tasks, n_splits, n_threads)
    shared.has_many_rows = few is not None
    size = len(tasks)
    if is_watched:
        size = max(-(-size // _STEPS_OF_PROGRESS), n_threads or joblib.cpu_count())
    if few is not None and few >= n_splits:
        few = None
    order = list(range(len(tasks)))
    if few is not None:
        size = min(size, few)
        if not any(_may_draw(task) for task in tasks):  # else the order of the draws would change
            order.sort(key=splits.__getitem__)
    results: list[Any] = [None] * len(tasks)
    for first in range(0, len(tasks), max(size, 1)):
        places = order[first : first + size]
        group = [tasks[place] for place in places]
        for place, result in zip(places, _side_by_side(group, n_threads), strict=True):
            results[place] = result
        if few is not None:
            for task in group:
                task.fits = []
            following = order[first + size : first + size + 1]
            if not {splits[place] for place in following} <= {splits[place] for place in places}:
                shared.forget()
    return results


def _at_a_time(tasks: Sequence[Task | Fitting], n_splits: int, n_threads: int | None) -> int | None:
    """Return how many tasks may have rows of their own; None if the rows of all splits fit in memory."""
    first = next((task for task in tasks if isinstance(task, Task)), None)
    return None if first is None else at_a_time(first.call[1][1], n_splits, n_threads)


def _split_of(task: Task | Fitting) -> int:
    """Return a number that tasks of the same split share."""
    return id(task.call[2]["train"]) if isinstance(task, Task) else 0


def _may_draw(task: Task | Fitting) -> bool:
    """Tell whether a task may draw from a generator that others draw from."""
    if not isinstance(task, Task):
        return True
    estimator, parameters = task.call[1][0], task.call[2].get("parameters")
    settings = estimator.get_params() | (parameters or {})
    return any(
        name.rpartition("__")[2] == "random_state" and not isinstance(value, Integral)
        for name, value in settings.items()
    )


def _side_by_side(tasks: Sequence[Task | Fitting], n_threads: int | None) -> list[Any]:
    """Return the results of tasks whose trainings run together."""
    for task in tasks:
        task.begin()
    fits = [fit for task in tasks for fit in task.fits]
    began = time.perf_counter()
    errors = iter(finish_together(fits, n_threads) if fits else [])
    seconds = (time.perf_counter() - began) / max(1, len(fits))
    return [task.end([next(errors) for _ in task.fits], seconds * len(task.fits)) for task in tasks]
