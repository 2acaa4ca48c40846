"""Docstrings of scikit-learn's names, adapted: their parameters and results, our first words and examples."""

from __future__ import annotations

import inspect
import re
from typing import Any

# References to scikit-learn's own pages, which ours do not have; what they show stays.
_REFERENCE = re.compile(r":(?:ref|term):`([^`<]+?)(?:\s*<[^`>]+>)?`")


def adapted(original: Any, summary: str, example: str, **further: str) -> str:
    """Return the docstring of a class or function of scikit-learn's for one of ours in its place.

    Parameters
    ----------
    original : class or function
        The original.
    summary : str
        The first sentences.
    example : str
        Takes the place of its examples.
    **further : str
        What is added at the end of sections, by their names in lower case.
    """
    documentation = _REFERENCE.sub(r"\1", inspect.getdoc(original) or "")
    _, *sections = re.split(r"\n(?=\w[\w ]*\n-{3,}\n)", documentation)
    kept = [summary]
    for section in sections:
        title = section.partition("\n")[0]
        if title not in ("Examples", "See Also", "Notes"):
            added = further.get(title.lower())
            kept.append(section.rstrip() + (f"\n\n{inspect.cleandoc(added)}" if added else ""))
    original_name = f"{'.'.join(original.__module__.split('.')[:2])}.{original.__name__}"
    kept.append(f"See Also\n--------\n{original_name} : The original, with more in its guide.")
    kept.append("Examples\n--------\n" + inspect.cleandoc(example))
    return "\n\n".join(kept) + "\n"
