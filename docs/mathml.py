"""Formulas as MathML, which browsers typeset by themselves: the pages load no script from anywhere."""

from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert

MATHML = "http://www.w3.org/1998/Math/MathML"
BELOW = {"msub": "munder", "msubsup": "munderover"}


def inline(writer: Any, node: nodes.math) -> None:
    """Write a formula in a line."""
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def display(writer: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    formula = with_limits_below(convert(node.astext(), display="block"))
    writer.body.append(f'<div class="math-display">{formula}</div>')
    raise nodes.SkipNode


def with_limits_below(formula: str) -> str:
    """Put the index of each sum below it, in brackets too, where latex2mathml puts it at its side."""
    ElementTree.register_namespace("", MATHML)
    tree = ElementTree.fromstring(formula)
    for element in tree.iter():
        name = element.tag.removeprefix(f"{{{MATHML}}}")
        if name in BELOW and element[0].text in ("∑", "∏"):
            element.tag = f"{{{MATHML}}}{BELOW[name]}"
    return ElementTree.tostring(tree, encoding="unicode")


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this."""
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
