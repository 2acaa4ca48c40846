"""scikit-learn's searches, run by our backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

import joblib
import numpy as np

from ferroprop.model_selection import _sklearn
from ferroprop.model_selection._backend import FerropropBackend
from ferroprop.model_selection._continued import Continued
from ferroprop.model_selection._documentation import adapted
from ferroprop.model_selection._tasks import fitted_one

_PARAMETER = """
    return_estimators : bool, default=False
        Whether `estimators_` keeps the estimators of all fits.
"""
_ATTRIBUTE = """
    estimators_ : list of list
        The fitted estimators, one list per candidate in the order of ``cv_results_["params"]``, in it one per
        split; only with ``return_estimators=True``.
    held_out_ : list of list
        The rows that each of these was scored on and not fitted to, as the splitter gave them; only with
        ``return_estimators=True``.
"""


class _SideBySide:
    """A search whose fits of our estimators run side by side."""

    return_estimators: bool
    n_splits_: int
    cv_results_: dict[str, Any]

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Run the fits, with all sets of parameters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            The targets.
        **params : dict
            Parameters of the estimator's ``fit``, of the scorer and of the splitter. What has one value per
            row, as `sample_weight`, is split along with `X`.

        Returns
        -------
        self : object
            The fitted search.
        """
        with self._continued() as continued:
            backend = FerropropBackend(keeps_estimators=self.return_estimators, continued=continued)
            with joblib.parallel_config(backend):
                super().fit(X, y, **params)  # type: ignore[misc]
        for name in ("estimators_", "held_out_"):
            self.__dict__.pop(name, None)
        if self.return_estimators:
            # a best estimator that is a search itself has made more when it was fitted again
            n_fits = len(self.cv_results_["params"]) * self.n_splits_
            of_candidates = [
                slice(start, start + self.n_splits_) for start in range(0, n_fits, self.n_splits_)
            ]
            self.estimators_ = [backend.estimators[fits] for fits in of_candidates]
            self.held_out_ = [backend.held_out[fits] for fits in of_candidates]
        return self

    @property
    def n_features_in_(self) -> int:
        """Number of features that the fit has seen, if the best estimator knows it."""
        number: int = super().n_features_in_  # type: ignore[misc]
        return number

    def _continued(self) -> AbstractContextManager[Continued | None]:
        """Return what knows where fits go on."""
        return nullcontext()


class _Halving(_SideBySide):
    """A halving search; over `max_iter` the candidates that remain go on instead of starting over."""

    estimator: Any
    resource: str

    @contextmanager
    def _continued(self) -> Iterator[Continued | None]:
        if self.resource.rpartition("__")[2] != "max_iter" or fitted_one(self.estimator) is None:
            yield None
            return
        with TemporaryDirectory(prefix="ferroprop-") as folder:
            yield Continued(folder, self.resource)


def _documented(original: type, sentence: str, grid: str, options: str) -> str:
    name = original.__name__
    return adapted(
        original,
        f"{sentence}\n\nThe fits of ferroprop's estimators run side by side; the results are scikit-learn's.",
        f"""
        >>> from ferroprop import MLPClassifier
        >>> from ferroprop.model_selection import {name}
        >>> X, y = [[0.0], [0.1], [0.2], [0.8], [0.9], [1.0]], [0, 0, 0, 1, 1, 1]
        >>> mlp = MLPClassifier((3,), solver="rprop", max_iter=50, n_iter_no_change=5, random_state=0)
        >>> search = {name}(mlp, {grid}, cv=3{options})
        >>> search.fit(X, y).best_score_
        np.float64(1.0)
        """,
        parameters=_PARAMETER,
        attributes=_ATTRIBUTE,
    )


def _constraints(original: Any) -> dict[str, Any]:
    """Return the constraints of a search's parameters, with ours."""
    return {**original._parameter_constraints, "return_estimators": ["boolean"]}


class GridSearchCV(_SideBySide, _sklearn.GridSearchCV):  # type: ignore[misc]
    __doc__ = _documented(
        _sklearn.GridSearchCV,
        "Search over all combinations of given parameter values, each judged by cross-validation.",
        '{"alpha": [0.0, 0.1]}',
        "",
    )

    _parameter_constraints: ClassVar[dict[str, Any]] = _constraints(_sklearn.GridSearchCV)

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        return_estimators: bool = False,
    ) -> None:
        super().__init__(
            estimator=estimator,
            param_grid=param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.return_estimators = return_estimators


class RandomizedSearchCV(_SideBySide, _sklearn.RandomizedSearchCV):  # type: ignore[misc]
    __doc__ = _documented(
        _sklearn.RandomizedSearchCV,
        "Search over drawn parameter values, each setting judged by cross-validation.",
        '{"alpha": [0.0, 0.01, 0.1]}',
        ", n_iter=2, random_state=0",
    )

    _parameter_constraints: ClassVar[dict[str, Any]] = _constraints(_sklearn.RandomizedSearchCV)

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 10,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        return_estimators: bool = False,
    ) -> None:
        super().__init__(
            estimator=estimator,
            param_distributions=param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.return_estimators = return_estimators


class HalvingGridSearchCV(_Halving, _sklearn.HalvingGridSearchCV):  # type: ignore[misc]
    __doc__ = _documented(
        _sklearn.HalvingGridSearchCV,
        "Search over all combinations of parameter values; the better ones get more and more resources.",
        '{"alpha": [0.0, 0.1]}',
        ', factor=2, resource="max_iter", max_resources=50',
    )

    _parameter_constraints: ClassVar[dict[str, Any]] = _constraints(_sklearn.HalvingGridSearchCV)

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        factor: float = 3,
        resource: str = "n_samples",
        max_resources: Any = "auto",
        min_resources: Any = "exhaust",
        aggressive_elimination: bool = False,
        cv: Any = 5,
        scoring: Any = None,
        refit: Any = True,
        error_score: Any = np.nan,
        return_train_score: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        return_estimators: bool = False,
    ) -> None:
        super().__init__(
            estimator=estimator,
            param_grid=param_grid,
            factor=factor,
            resource=resource,
            max_resources=max_resources,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
            cv=cv,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=return_train_score,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.return_estimators = return_estimators


class HalvingRandomSearchCV(_Halving, _sklearn.HalvingRandomSearchCV):  # type: ignore[misc]
    __doc__ = _documented(
        _sklearn.HalvingRandomSearchCV,
        "Search over drawn parameter values; the better ones get more and more resources.",
        '{"alpha": [0.0, 0.01, 0.1]}',
        ', n_candidates=2, factor=2, resource="max_iter", max_resources=50, random_state=0',
    )

    _parameter_constraints: ClassVar[dict[str, Any]] = _constraints(_sklearn.HalvingRandomSearchCV)

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_candidates: Any = "exhaust",
        factor: float = 3,
        resource: str = "n_samples",
        max_resources: Any = "auto",
        min_resources: Any = "smallest",
        aggressive_elimination: bool = False,
        cv: Any = 5,
        scoring: Any = None,
        refit: Any = True,
        error_score: Any = np.nan,
        return_train_score: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        return_estimators: bool = False,
    ) -> None:
        super().__init__(
            estimator=estimator,
            param_distributions=param_distributions,
            n_candidates=n_candidates,
            factor=factor,
            resource=resource,
            max_resources=max_resources,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
            cv=cv,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=return_train_score,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.return_estimators = return_estimators
