"""Formulas, written once as Python expressions, shown as plain text or as MathML.

``delta1[0] * (1 - a1[0]**2)`` reads δ1[0]·(1 - a1[0]²) in a terminal; in MathML the layer's number becomes
a superscript in brackets, the indices subscripts, a quotient a fraction. ``total(a0[i]*W1[i,j], i)`` is a
sum over i.
"""

import ast
import re
from html import escape

NO_BREAK = "\N{NO-BREAK SPACE}"
"""Spaces at the ends of a text in MathML are left out, but not these."""

GREEK = {"delta": "δ", "alpha": "α", "Phi": "Φ", "phi": "φ", "sigma": "σ", "lam": "λ", "tau": "τ"}

_COMPARISONS = {
    ast.Gt: ">",
    ast.GtE: "≥",
    ast.Lt: "<",
    ast.LtE: "≤",
    ast.Eq: "=",
}
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(1, 6)
_PRECEDENCE: dict[type[ast.operator], int] = {
    ast.Add: _SUM,
    ast.Sub: _SUM,
    ast.Mult: _PRODUCT,
    ast.Div: _PRODUCT,
    ast.Pow: _POWER,
}


def number(value: float, digits: int) -> str:
    """Return the number with this many significant digits, as a Python literal."""
    text = f"{value + 0.0:.{digits}g}"  # -0 is shown as 0
    shortest = repr(float(value + 0.0)).removesuffix(".0")
    return shortest if len(shortest) < len(text) else text


def to_text(chain: list[str]) -> str:
    """Return expressions joined by equals signs as plain text."""
    nodes = [ast.parse(expression, mode="eval").body for expression in chain]
    return " = ".join(_text_in(node, len(nodes) > 1) for node in nodes)


def to_mathml(chain: list[str]) -> str:
    """Return expressions joined by equals signs as one MathML formula."""
    terms = [_mathml_in(ast.parse(expression, mode="eval").body, len(chain) > 1) for expression in chain]
    return f'<math displaystyle="true"><mrow>{"<mo>=</mo>".join(terms)}</mrow></math>'


def _precedence(node: ast.expr) -> int:
    if isinstance(node, ast.BinOp):
        return _PRECEDENCE[type(node.op)]
    if isinstance(node, ast.UnaryOp):
        return _SIGN
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "total":
        return _SUM
    return 0 if isinstance(node, (ast.IfExp, ast.Compare)) else _ATOM


def _name(identifier: str) -> tuple[str, str]:
    """Split a1 into a and 1, delta2 into δ and 2."""
    match = re.fullmatch(r"([A-Za-z_]+?)(\d*)", identifier)
    if match is None:
        return identifier, ""
    base, layer = match.groups()
    return GREEK.get(base, base), layer


def _constant(node: ast.Constant) -> str:
    return "…" if node.value is ... else str(node.value)


def _indices(node: ast.Subscript) -> str:
    index = node.slice
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return ",".join(_text(part) for part in parts)


# Plain text --------------------------------------------------------------------------------------------


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant():
            return _constant(node)
        case ast.Name():
            base, layer = _name(node.id)
            if base.startswith("dE_d"):
                return f"∂E/∂{base[4:]}{layer}"
            return f"{base[1:]}{layer}′" if base == "df" else base + layer
        case ast.Subscript():
            return f"{_text(node.value)}[{_indices(node)}]"
        case ast.UnaryOp():
            return f"-{_text_in(_shielded(node.operand), _SIGN)}"
        case ast.BinOp(op=ast.Pow()):
            power = _text_in(node.right, _ATOM)
            return _text_in(node.left, _ATOM) + {"2": "²", "3": "³"}.get(power, f"^{power}")
        case ast.BinOp():
            own = _precedence(node)
            sign = {ast.Add: " + ", ast.Sub: " - ", ast.Mult: "·", ast.Div: "/"}[type(node.op)]
            # a - (b + c), a / (b * c) and a * (-b) keep their brackets.
            right = own + isinstance(node.op, (ast.Sub, ast.Div))
            return f"{_text_in(node.left, own)}{sign}{_text_in(_shielded(node.right), right)}"
        case ast.Call(func=ast.Name(id="brackets")):
            return f"({_text(node.args[0])})"
        case ast.Call(func=ast.Name(id="total"), args=[summand, index]):
            return f"Σ_{_text(index)} {_text_in(summand, _PRODUCT)}"
        case ast.Call():
            return f"{_text(node.func)}({', '.join(_text(argument) for argument in node.args)})"
        case ast.Compare():
            sign = _COMPARISONS[type(node.ops[0])]
            return f"{_text(node.left)} {sign} {_text(node.comparators[0])}"
        case ast.IfExp():
            return f"{_text(node.body)} if {_text(node.test)}, else {_text(node.orelse)}"
    raise ValueError(f"not a formula: {ast.unparse(node)}")


def _text_in(node: ast.expr, at_least: int) -> str:
    text = _text(node)
    return text if _precedence(node) >= at_least else f"({text})"


def _shielded(node: ast.expr) -> ast.expr:
    """Put a minus sign that would follow another sign in brackets."""
    if isinstance(node, ast.UnaryOp):
        return ast.Call(func=ast.Name("brackets"), args=[node], keywords=[])
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Pow):
        return ast.BinOp(left=_shielded(node.left), op=node.op, right=node.right)
    return node


# MathML ------------------------------------------------------------------------------------------------


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _bracketed(content: str) -> str:
    return _row("<mo>(</mo>", content, "<mo>)</mo>")


def _literal(text: str) -> str:
    if text == "…":
        return "<mo>⋯</mo>"
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return f"<mn>{escape(text)}</mn>"
    power = str(int(exponent)).replace("-", "−")
    return _row(f"<mn>{mantissa}</mn><mo>·</mo>", f"<msup><mn>10</mn><mn>{power}</mn></msup>")


def _symbol(identifier: str, indices: str = "") -> str:
    base, layer = _name(identifier)
    if base.startswith("dE_d"):
        below = _symbol(base[4:] + layer, indices)
        return f"<mfrac><mrow><mi>∂</mi><mi>E</mi></mrow><mrow><mi>∂</mi>{below}</mrow></mfrac>"
    prime = base == "df"
    base = "f" if prime else base
    upright = ' mathvariant="normal"' if len(base) > 1 else ""
    core = f"<mi{upright}>{escape(base)}</mi>"
    above = ("<mo>′</mo>" if prime else "") + (f"<mo>(</mo><mn>{layer}</mn><mo>)</mo>" if layer else "")
    below = f"<mrow><mn>{escape(indices)}</mn></mrow>" if indices else ""
    if above and below:
        return f"<msubsup>{core}{below}{_row(above)}</msubsup>"
    if above:
        return f"<msup>{core}{_row(above)}</msup>"
    return f"<msub>{core}{below}</msub>" if below else core


def _mathml(node: ast.expr) -> str:
    match node:
        case ast.Constant():
            return _literal(_constant(node))
        case ast.Name():
            return _symbol(node.id)
        case ast.Subscript(value=ast.Name(id=identifier)):
            return _symbol(identifier, _indices(node))
        case ast.UnaryOp():
            return _row("<mo>−</mo>", _mathml_in(_shielded(node.operand), _SIGN))
        case ast.BinOp(op=ast.Pow()):
            return f"<msup>{_mathml_in(node.left, _ATOM)}{_mathml(node.right)}</msup>"
        case ast.BinOp(op=ast.Div()):
            return f"<mfrac>{_mathml(node.left)}{_mathml(node.right)}</mfrac>"
        case ast.BinOp():
            own = _precedence(node)
            sign = {ast.Add: "+", ast.Sub: "−", ast.Mult: "·"}[type(node.op)]
            right = own + isinstance(node.op, ast.Sub)
            return _row(
                _mathml_in(node.left, own),
                f"<mo>{sign}</mo>",
                _mathml_in(_shielded(node.right), right),
            )
        case ast.Call(func=ast.Name(id="exp")):
            return f"<msup><mi>e</mi>{_mathml(node.args[0])}</msup>"
        case ast.Call(func=ast.Name(id="abs")):
            return _row("<mo>|</mo>", _mathml(node.args[0]), "<mo>|</mo>")
        case ast.Call(func=ast.Name(id="brackets")):
            return _bracketed(_mathml(node.args[0]))
        case ast.Call(func=ast.Name(id="total"), args=[summand, index]):
            under = f"<munder><mo>∑</mo>{_mathml(index)}</munder>"
            return _row(under, _mathml_in(summand, _PRODUCT))
        case ast.Call():
            arguments = "<mo>,</mo>".join(_mathml(argument) for argument in node.args)
            return _row(_mathml(node.func), "<mo>&#x2061;</mo>", _bracketed(arguments))
        case ast.Compare():
            sign = escape(_COMPARISONS[type(node.ops[0])])
            return _row(_mathml(node.left), f"<mo>{sign}</mo>", _mathml(node.comparators[0]))
        case ast.IfExp():
            return _row(
                _mathml(node.body),
                f"<mtext>{NO_BREAK}if{NO_BREAK}</mtext>",
                _mathml(node.test),
                f"<mtext>,{NO_BREAK}else{NO_BREAK}</mtext>",
                _mathml(node.orelse),
            )
    raise ValueError(f"not a formula: {ast.unparse(node)}")


def _mathml_in(node: ast.expr, at_least: int) -> str:
    inner = _mathml(node)
    return inner if _precedence(node) >= at_least else _bracketed(inner)
