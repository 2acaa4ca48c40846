"""The order of the gallery: what teaches comes first, what applies it after."""

from sphinx_gallery.sorting import ExampleTitleSortKey

FIRST = [
    "mazur.py",
    "xor.py",
    "hours_of_sleep.py",
    "activations.py",
    "vanishing_gradients.py",
    "vanishing_in_time.py",
    "watch_it_learn.py",
    "decision_regions.py",
    "iris.py",
    "handwritten_digits.py",
    "regression.py",
    "messy_table.py",
    "infrared_spectra.py",
    "speech_frames.py",
    "narx.py",
]


class ReadingOrder(ExampleTitleSortKey):
    """Those of the list in its order, then all others by their titles."""

    def __call__(self, filename: str) -> tuple[int, str]:  # type: ignore[override]
        """Return what to sort by."""
        place = FIRST.index(filename) if filename in FIRST else len(FIRST)
        return place, str(super().__call__(filename))
