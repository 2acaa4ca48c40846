"""Where the benches put their numbers: between marks in a page of docs/, and in figures beside it."""

from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"


def write(page: Path, made: dict[str, str]) -> None:
    """Put texts between their marks, `<!-- name -->` and `<!-- end of name -->`, in a page."""
    text = page.read_text(encoding="utf-8")
    for name, lines in made.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        if start not in text or end not in text:
            raise SystemExit(f"{page} has no marks for {name}")
        before, rest = text.split(start)
        text = before + start + "\n" + lines + "\n\n" + end + rest.split(end)[1]
    page.write_text(text, encoding="utf-8")


def pyplot() -> Any:
    """Return matplotlib.pyplot with the look of all figures: the same numbers make the same bytes."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "ferroprop", "font.size": 9, "axes.grid": True})
    matplotlib.rcParams.update({"grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False})
    from matplotlib import pyplot as plt

    return plt


def save(figure: Any, page: Path, name: str) -> None:
    """Write a figure into the folder of a page's images."""
    folder = page.parent / "images"
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight")
    pyplot().close(figure)
