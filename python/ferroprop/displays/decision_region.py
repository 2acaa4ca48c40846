"""The display of an estimator's predictions over the plane of two features."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ferroprop.displays._style import GREY, color, need_matplotlib, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap


class DecisionRegionDisplay:
    """The regions of the classes, or the predicted values, over the plane of two features.

    A region has the colour of its class, the paler the less probable the class is; the predicted class
    changes at the lines. A classifier without probabilities counts as certain of each class that it predicts.
    For a regressor the colour shows the predicted value.

    Parameters
    ----------
    x0, x1 : array-like of shape (n0,), (n1,)
        Coordinates of the grid's points along the two axes.
    response : array-like of shape (n1, n0) or (n1, n0, n_classes)
        Predicted values, or the probability of each class, at each point of the grid.
    classes : sequence, default=None
        Names of the classes.
    names : tuple of str, default=(None, None)
        Names of the two features.
    n_others : int, default=0
        The number of features that are not drawn; a line above the picture says where they are.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure.
    ax_ : matplotlib.axes.Axes
        The axes.
    surface_ : matplotlib.image.AxesImage
        The regions.
    boundary_ : list of matplotlib.contour.QuadContourSet
        The lines around the regions.
    scatter_ : list of matplotlib.collections.PathCollection
        The points, one collection per class.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from ferroprop import MLPClassifier
    >>> from ferroprop.displays import DecisionRegionDisplay
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> X = X[["petal length (cm)", "petal width (cm)"]]
    >>> mlp = MLPClassifier((10,), solver="rprop", random_state=0).fit(X, y)
    >>> display = DecisionRegionDisplay.from_estimator(mlp, X, y)
    >>> display.response.shape
    (200, 200, 3)
    >>> display.ax_.get_xlabel()
    'petal length (cm)'
    """

    def __init__(
        self,
        *,
        x0: ArrayLike,
        x1: ArrayLike,
        response: ArrayLike,
        classes: Any = None,
        names: tuple[str | None, str | None] = (None, None),
        n_others: int = 0,
    ) -> None:
        self.x0: NDArray[np.float64] = np.asarray(x0, dtype=np.float64)
        self.x1: NDArray[np.float64] = np.asarray(x1, dtype=np.float64)
        self.response: NDArray[np.float64] = np.asarray(response, dtype=np.float64)
        self.classes = classes
        self.names = names
        self.n_others = n_others

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        features: tuple[int | str, int | str] = (0, 1),
        grid_resolution: int = 200,
        margin: float = 0.1,
        ax: Axes | None = None,
        scatter_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the predictions of a fitted estimator around some data.

        Parameters
        ----------
        estimator : object with ``predict``
            A fitted classifier or regressor of one target, or a pipeline.
        X : {array-like, data frame} of shape (n_samples, n_features)
            Dense numbers, whose range is drawn. Features that are not drawn are set to their mean everywhere.
        y : array-like of shape (n_samples,), default=None
            Targets of `X`. If they are given, the points of `X` are drawn, coloured by class or value.
        features : tuple of two int or str, default=(0, 1)
            Which columns of `X` to draw, by number or, in a data frame, by name.
        grid_resolution : int, default=200
            Number of points of the grid on each axis.
        margin : float, default=0.1
            How far the picture extends beyond the data on each side, as a fraction of their range.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.
        scatter_kw : dict, default=None
            Arguments of ``matplotlib.axes.Axes.scatter`` for the points.

        Returns
        -------
        display : DecisionRegionDisplay
            The display, with its figure and axes.

        Raises
        ------
        ValueError
            If X has fewer than two features, y more than one target, or an argument is out of range.
        TypeError
            If X is sparse.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        need_matplotlib("DecisionRegionDisplay.from_estimator")
        if hasattr(X, "toarray"):
            raise TypeError("X must be dense, got a sparse matrix.")
        values = np.asarray(X, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] < 2:
            raise ValueError(f"X must have at least two features, got an array of shape {values.shape}.")
        columns = getattr(X, "columns", None)
        first, second = _two_columns(features, columns, values.shape[1])
        targets = None if y is None else np.asarray(y)
        if targets is not None and targets.shape != (len(values),):
            raise ValueError(f"y must have the shape ({len(values)},) of one target, got {targets.shape}.")
        if grid_resolution < 2:
            raise ValueError(f"grid_resolution must be at least 2, got {grid_resolution}.")
        sides = []
        for feature in (first, second):
            low, high = values[:, feature].min(), values[:, feature].max()
            extra = margin * ((high - low) or 1.0)
            sides.append(np.linspace(low - extra, high + extra, grid_resolution))
        grid = np.tile(values.mean(axis=0), (grid_resolution**2, 1))
        for feature, side in zip((first, second), np.meshgrid(*sides), strict=True):
            grid[:, feature] = side.ravel()
        grid = grid.astype(np.result_type(getattr(X, "dtype", np.float64), np.float32), copy=False)
        rows = grid if columns is None else type(X)(dict(zip(columns, grid.T, strict=True)))
        is_classifier = hasattr(estimator, "classes_")
        predicted = estimator.predict(rows)
        if np.ndim(predicted) != 1:
            raise ValueError("DecisionRegionDisplay needs an estimator with a single target.")
        if not is_classifier:
            response = predicted
        elif hasattr(estimator, "predict_proba"):
            response = estimator.predict_proba(rows)
        else:
            response = (predicted[:, np.newaxis] == estimator.classes_).astype(np.float64)
        display = cls(
            x0=sides[0],
            x1=sides[1],
            response=response.reshape(grid_resolution, grid_resolution, *response.shape[1:]),
            classes=list(estimator.classes_) if is_classifier else None,
            names=(None, None) if columns is None else (str(columns[first]), str(columns[second])),
            n_others=values.shape[1] - 2,
        )
        points = None if targets is None else (values[:, [first, second]], targets)
        return display.plot(ax=ax, points=points, scatter_kw=scatter_kw)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        points: tuple[ArrayLike, ArrayLike] | None = None,
        scatter_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.
        points : tuple (positions of shape (n, 2), targets of shape (n,)), default=None
            Points to draw, coloured by their target.
        scatter_kw : dict, default=None
            Arguments of ``matplotlib.axes.Axes.scatter`` for the points.

        Returns
        -------
        display : DecisionRegionDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        need_matplotlib("DecisionRegionDisplay.plot")
        self.ax_ = ax if ax is not None else new_axes(1, figsize=(5.4, 4.6))[0]
        self.figure_ = self.ax_.figure
        self.scatter_ = []
        positions, targets = (None, None) if points is None else map(np.asarray, points)
        look = {"s": 16, "edgecolors": "white", "linewidths": 0.5, **(scatter_kw or {})}
        if self.response.ndim == 3:
            self._draw_regions()
            if positions is not None:
                for number, label in enumerate(self._labels()):
                    one = positions[targets == label]
                    self.scatter_.append(
                        self.ax_.scatter(one[:, 0], one[:, 1], color=color(number), label=str(label), **look)
                    )
                self.ax_.legend(frameon=True, framealpha=0.85, edgecolor="none", fontsize="small")
        else:
            self._draw_values()
            if positions is not None:
                options = {"cmap": self.surface_.get_cmap(), "norm": self.surface_.norm, **look}
                self.scatter_.append(self.ax_.scatter(positions[:, 0], positions[:, 1], c=targets, **options))
        self.ax_.set_xlim(self.x0[0], self.x0[-1])
        self.ax_.set_ylim(self.x1[0], self.x1[-1])
        if self.names[0] is not None:
            self.ax_.set_xlabel(self.names[0])
        if self.names[1] is not None:
            self.ax_.set_ylabel(self.names[1])
        if self.n_others:  # points lie off the plane, so that a right prediction may look wrong
            others = "the other feature" if self.n_others == 1 else f"the {self.n_others} other features"
            self.ax_.set_title(f"{others} at the mean; points keep theirs", fontsize="small", color=GREY)
        return self

    def _labels(self) -> Any:
        return range(self.response.shape[2]) if self.classes is None else self.classes

    def _draw_regions(self) -> None:
        """Blend the colour of the most probable class with white: the less probable, the whiter."""
        from matplotlib.colors import to_rgb

        n_classes = self.response.shape[2]
        best = self.response.argmax(axis=2)
        largest = self.response.max(axis=2)
        certainty = np.clip((largest - 1 / n_classes) / (1 - 1 / n_classes), 0.0, 1.0)[..., np.newaxis]
        colors = np.array([to_rgb(color(number)) for number in range(n_classes)])[best]
        self.surface_ = self.ax_.imshow(1.0 - 0.5 * certainty * (1.0 - colors), **self._placed())
        self.boundary_ = []
        for number in np.unique(best)[1:] if n_classes == 2 else np.unique(best):
            lead = self.response[..., number] - np.delete(self.response, number, axis=2).max(axis=2)
            if lead.min() < 0.0 < lead.max():
                lines = self.ax_.contour(self.x0, self.x1, lead, levels=[0.0], colors="white", linewidths=1.2)
                self.boundary_.append(lines)

    def _draw_values(self) -> None:
        self.boundary_ = []
        self.surface_ = self.ax_.imshow(self.response, cmap=_diverging(), **self._placed())
        self.figure_.colorbar(self.surface_, ax=self.ax_, label="predicted value")

    def _placed(self) -> dict[str, Any]:
        extent = (self.x0[0], self.x0[-1], self.x1[0], self.x1[-1])
        return {"origin": "lower", "extent": extent, "interpolation": "bilinear", "aspect": "auto"}


def _two_columns(features: Any, columns: Any, n_features: int) -> tuple[int, int]:
    """Return the numbers of two columns, given by number or, in a data frame, by name."""
    names = [] if columns is None else list(columns)
    asked = list(features) if isinstance(features, (tuple, list, np.ndarray)) else []
    numbers: list[Any] = [names.index(one) if isinstance(one, str) and one in names else one for one in asked]
    if (
        len(numbers) != 2
        or not all(isinstance(one, Integral) and -n_features <= int(one) < n_features for one in numbers)
        or numbers[0] % n_features == numbers[1] % n_features
    ):
        raise ValueError(f"features must be two columns of the {n_features} of X, got {features!r}.")
    return int(numbers[0]), int(numbers[1])


def _diverging() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "rust and blue", ["#20639b", "#9cbfdf", "#f7f3ef", "#eab08f", "#b7410e"]
    )
