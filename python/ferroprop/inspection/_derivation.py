"""The derivation of a step for one row: the formulas with the numbers inserted."""

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

import numpy as np

from ferroprop.catalogue import LOSSES, OPTIMIZERS
from ferroprop.inspection import _draws
from ferroprop.inspection._double import Array, name_of
from ferroprop.inspection._formula import number, to_mathml, to_text
from ferroprop.inspection._functions import activation_formula, loss_formula, put
from ferroprop.inspection._step import LayerTrace, Step

MOST_ROWS_IN_A_SUM = 4
LINE = 100  # columns of a terminal that sentences fill
LETTERS = "z net input, a output, t target, E loss, δ = ∂E/∂z."


@dataclass(frozen=True)
class Heading:
    """A title; level 1 is the title of the derivation."""

    level: int
    text: str


@dataclass(frozen=True)
class Note:
    """A sentence, and its HTML if that differs."""

    text: str
    html: str | None = None


@dataclass(frozen=True)
class Equation:
    """Expressions that are equal."""

    chain: list[str]


@dataclass(frozen=True)
class Table:
    """Numbers in rows; the first column names them, as an expression."""

    header: list[str]
    rows: list[list[str]]


Part: TypeAlias = Heading | Note | Equation | Table
Chains: TypeAlias = Callable[[int], list[list[str]]]


def derive(trace: Step, row: int, digits: int, max_units: int) -> list[Part]:
    """Return the derivation of a step for one row."""
    check(trace, row, digits, max_units)
    return list(_Derivation(trace, int(row), int(digits), int(max_units)).parts())


def check(trace: Step, row: int, digits: int, max_units: int) -> None:
    """Check the arguments of a derivation."""
    for name, value, low, high in (
        ("row", row, 0, len(trace.inputs) - 1),
        ("digits", digits, 1, 17),
        ("max_units", max_units, 1, 10_000),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low} to {high}, got {value}")


class _Derivation:
    def __init__(self, trace: Step, row: int, digits: int, max_units: int) -> None:
        self.trace, self.row, self.digits, self.max_units = trace, row, digits, max_units
        loss = LOSSES.get(name_of(trace.loss_function))
        self.canonical = loss is not None and loss.canonical

    def parts(self) -> Iterable[Part]:
        trace = self.trace
        sizes = [trace.inputs.shape[1], *(layer.weights.shape[1] for layer in trace.layers)]
        yield Heading(
            1,
            f"One step of backpropagation: layers {'-'.join(map(str, sizes))}, {trace.loss_name}, "
            f"row {self.row} of {len(trace.inputs)}",
        )
        yield Note(
            f"{LETTERS} The number after a letter is the layer, a0 the inputs; "
            "W1[i,j] leads from unit i to unit j of layer 1. Each part has its formulas first.",
            f"{LETTERS} Above stands the layer, 0 for the inputs; below the unit, and for a weight the "
            "unit that it comes from and the unit that it leads to. Each part has its formulas first.",
        )
        yield Heading(2, "Forward")
        yield from self.several(len(trace.inputs[0]), "inputs", lambda i: [[f"a0[{i}]", self.n(self.x(i))]])
        for layer in trace.layers:
            yield from self.forward(layer)
        yield Heading(2, "Loss")
        yield from self.loss()
        yield Heading(2, "Backward")
        for layer in reversed(trace.layers):
            yield from self.backward(layer)
        yield Heading(2, "Gradients and updates")
        yield from notes_on(trace.optimizers)
        for layer in trace.layers:
            yield from self.updates(layer)

    # Numbers and sums

    def n(self, value: float) -> str:
        return number(float(value), self.digits)

    def x(self, unit: int) -> float:
        return float(self.trace.inputs[self.row, unit])

    def several(self, count: int, what: str, chains: Chains) -> Iterable[Part]:
        """Write out the first units and count the rest."""
        for unit in range(min(count, self.max_units)):
            for chain in chains(unit):
                yield Equation(chain)
        if count > self.max_units:
            yield Note(and_more(count - self.max_units, what))

    def sum(self, terms: Sequence[str], most: int) -> str:
        """Join terms by plus signs; of many, the first and the last."""
        terms = [f"({term})" if " if " in term else term for term in terms]
        if len(terms) > most:
            terms = [*terms[: max(most - 1, 1)], "...", terms[-1]]
        return " + ".join(terms)

    # The parts

    def forward(self, layer: LayerTrace) -> Iterable[Part]:
        k, row = layer.number, self.row
        fan_in, fan_out = layer.weights.shape
        name = layer.activation if isinstance(layer.activation, str) else repr(layer.activation)
        yield Heading(3, f"Layer {k}: {name}, {fan_in} to {fan_out}")
        bias = "" if layer.biases is None else f" + b{k}[j]"
        yield Equation([f"z{k}[j]", f"total(a{k - 1}[i]*W{k}[i,j], i){bias}"])
        if _draws.is_stochastic(layer.activation):
            yield Note(_draws.how_drawn(layer))
        else:
            yield Equation([f"a{k}[j]", self.value_rule(layer)])

        def chains(j: int) -> list[list[str]]:
            products = [
                f"{self.n(a)}*{_factor(self.n(w))}"
                for a, w in zip(layer.inputs[row], layer.weights[:, j], strict=True)
            ]
            total = self.sum(products, self.max_units + 1)
            if layer.biases is not None:
                total += f" + {_factor(self.n(layer.biases[j]))}"
            z, a = self.n(layer.net_input[row, j]), self.n(layer.output[row, j])
            return [[f"z{k}[{j}]", total, z], [f"a{k}[{j}]", *self.value(layer, j), a]]

        yield from self.several(fan_out, "units", chains)

    def value_rule(self, layer: LayerTrace) -> str:
        """Return f(z) in symbols."""
        k = layer.number
        if name_of(layer.activation) == "softmax":
            return f"exp(z{k}[j])/total(exp(z{k}[i]), i)"
        formula = activation_formula(layer.activation)
        return f"f{k}(z{k}[j])" if formula is None else put(formula.value, "z", f"z{k}[j]")

    def value(self, layer: LayerTrace, j: int) -> list[str]:
        """Return f(z) with the number inserted."""
        z = [self.n(value) for value in layer.net_input[self.row]]
        if name_of(layer.activation) == "softmax":
            below = self.sum([f"exp({value})" for value in z], self.max_units + 1)
            return [f"exp({z[j]})/({below})"]
        if _draws.is_stochastic(layer.activation):
            return []
        formula = activation_formula(layer.activation)
        if formula is None:
            return [f"f{layer.number}({z[j]})"]
        return [] if formula.value == "z" else [put(formula.value, "z", z[j])]

    def loss(self) -> Iterable[Part]:
        trace, row = self.trace, self.row
        a, t = trace.outputs[row], self.targets()
        written = [self.loss_of_one(self.n(t[j]), self.n(a[j]), float(t[j])) for j in range(len(a))]
        terms = [term for term in written if term]
        own = self.n(trace.row_losses[row])
        known = [self.sum(terms, self.max_units + 1)] if terms and None not in written else []
        name = "E" if len(trace.inputs) == 1 and not trace.penalty else f"E[{row}]"
        rule = self.loss_rule()
        if rule is not None:
            yield Equation([name, rule])
        yield Equation([name, *known, own])
        if len(trace.inputs) > 1:
            yield Equation(["E", self.mean_of_losses(), self.n(trace.loss)])
        elif trace.penalty:
            penalty = self.n(trace.penalty)
            yield Equation(["E", f"{own} + {penalty}", self.n(trace.loss)])

    def loss_rule(self) -> str | None:
        """Return the loss of a row in symbols, None for a custom loss."""
        name = name_of(self.trace.loss_function)
        a = f"a{len(self.trace.layers)}[j]"
        if name == "log_loss":
            if name_of(self.trace.layers[-1].activation) == "softmax":
                return f"-total(t[j]*ln({a}), j)"
            return f"-total(t[j]*ln({a}) + (1 - t[j])*ln(1 - {a}), j)"
        formula = loss_formula(self.trace.loss_function, self.trace.layers[-1].activation)
        if formula is None:
            return None
        return f"total({put(put(formula.value, 't', 't[j]'), 'a', a)}, j)"

    def mean_of_losses(self) -> str:
        trace = self.trace
        plain = bool((trace.sample_weight == 1).all())
        terms = [
            self.n(value) if plain else f"{self.n(weight)}*{self.n(value)}"
            for weight, value in zip(trace.sample_weight, trace.row_losses, strict=True)
        ]
        mean = f"({self.sum(terms, MOST_ROWS_IN_A_SUM)})/{self.n(trace.sample_weight.sum())}"
        return f"{mean} + {self.n(trace.penalty)}" if trace.penalty else mean

    def targets(self) -> Array:
        """Return the row's targets, smoothed if the loss does so."""
        t: Array = self.trace.targets[self.row]
        smoothing = getattr(self.trace.loss_function, "label_smoothing", 0.0)
        if not smoothing:
            return t
        softmax = name_of(self.trace.layers[-1].activation) == "softmax"
        return (1 - smoothing) * t + smoothing / (len(t) if softmax else 2)

    def loss_of_one(self, t: str, a: str, target: float) -> str | None:
        """Return the loss of one output with the numbers inserted, "" if it is 0, None if unknown."""
        name = name_of(self.trace.loss_function)
        if name == "log_loss":
            first = "" if target == 0 else f"-ln({a})" if target == 1 else f"-{t}*ln({a})"
            softmax = name_of(self.trace.layers[-1].activation) == "softmax"
            if softmax or target == 1:
                return first
            last = f"-ln(1 - {a})" if target == 0 else f"-(1 - {t})*ln(1 - {a})"
            return f"{first} + {last}" if first else last
        if name == "poisson" and target == 0:
            return a
        formula = loss_formula(self.trace.loss_function, self.trace.layers[-1].activation)
        return None if formula is None else put(put(formula.value, "t", t), "a", a)

    def backward(self, layer: LayerTrace) -> Iterable[Part]:
        k, row = layer.number, self.row
        yield Heading(3, f"Layer {k}")
        last = k == len(self.trace.layers)
        fan_out = layer.weights.shape[1]
        yield from self.delta_rule(layer)

        def chains(j: int) -> list[list[str]]:
            delta = self.n(layer.delta[row, j])
            slope, slope_chain = self.slope(layer, j)
            error = self.output_delta(j, slope) if last else self.returned(layer, j, slope)
            if _draws.is_scored(layer):
                signal = self.n(_draws.signal_of(self.trace, layer, row))
                return [[f"delta{k}[{j}]", f"{signal}*{_factor(slope)}", delta]]
            if _draws.is_grouped(layer):
                return [[f"delta{k}[{j}]", delta]]
            return ([slope_chain] if slope_chain and "df" not in error else []) + [
                [f"delta{k}[{j}]", *([error] if error and error != "df" else []), delta]
            ]

        yield from self.several(fan_out, "units", chains)

    def delta_rule(self, layer: LayerTrace) -> Iterable[Part]:
        """Show in symbols how a delta of the layer is computed."""
        k, last = layer.number, layer.number == len(self.trace.layers)
        of_outputs = not self.canonical
        softmax = name_of(layer.activation) == "softmax"
        flat = name_of(layer.activation) == "identity"
        formula = activation_formula(layer.activation)
        own = "j" if last else "i"
        if formula is not None and not flat and (of_outputs or not last):
            slope = put(put(formula.derivative, "a", f"a{k}[{own}]"), "z", f"z{k}[{own}]")
            yield Equation([f"df{k}(z{k}[{own}])", slope])
        through = "" if flat else f"*df{k}(z{k}[{own}])"
        if _draws.is_stochastic(layer.activation):
            yield Note(_draws.how_estimated(layer))
            if _draws.is_scored(layer) or _draws.is_grouped(layer):
                return
        if not last:
            returned = f"total(delta{k + 1}[j]*W{k + 1}[i,j], j)"
            yield Equation([f"delta{k}[i]", f"({returned}){through}"])
            return
        weighted = "" if (self.trace.sample_weight == 1).all() else "w*"
        if not of_outputs:
            steep = self.n(getattr(layer.activation, "slope", 1.0))
            factor = weighted + ("" if steep == "1" else f"{steep}*")
            yield Equation([f"delta{k}[j]", f"{factor}(a{k}[j] - t[j])"])
            return
        loss = loss_formula(self.trace.loss_function, self.trace.layers[-1].activation)
        if loss is None:
            return
        slope_of_loss = put(loss.derivative, "t", "t[j]")
        if softmax:
            mean = f"total(a{k}[i]*({put(put(loss.derivative, 't', 't[i]'), 'a', f'a{k}[i]')}), i)"
            error = put(slope_of_loss, "a", f"a{k}[j]")
            yield Equation([f"delta{k}[j]", f"{weighted}a{k}[j]*({error} - {mean})"])
        else:
            yield Equation([f"delta{k}[j]", f"{weighted}({put(slope_of_loss, 'a', f'a{k}[j]')}){through}"])

    def slope(self, layer: LayerTrace, j: int) -> tuple[str, list[str]]:
        """Return f'(z) as a number, and its computation."""
        if name_of(layer.activation) == "softmax":
            return "", []
        k, row = layer.number, self.row
        result = self.n(layer.derivative[row, j])
        formula = activation_formula(layer.activation)
        last = k == len(self.trace.layers)
        if last and self.canonical:
            return result, []
        name = f"df{k}(z{k}[{j}])"
        if formula is None:
            return result, [name, result]
        if formula.derivative == "1":
            return result, []
        numbers = put(
            put(formula.derivative, "a", self.n(layer.output[row, j])),
            "z",
            self.n(layer.net_input[row, j]),
        )
        return result, [name, numbers, result]

    def output_delta(self, j: int, slope: str) -> str:
        """Return the derivative of the loss by output j, with the numbers inserted."""
        trace, layer = self.trace, self.trace.layers[-1]
        a, t = self.n(layer.output[self.row, j]), _factor(self.n(self.targets()[j]))
        weight = trace.sample_weight[self.row]
        weighted = "" if weight == 1 else f"{self.n(weight)}*"
        if self.canonical:
            own = getattr(layer.activation, "slope", 1.0)
            steep = "" if own == 1 else f"{self.n(own)}*"
            return f"{weighted}{steep}({a} - {t})" if weighted or steep else f"{a} - {t}"
        formula = loss_formula(trace.loss_function, layer.activation)
        if formula is None:
            return ""
        if not slope:
            return weighted + self.through_softmax(j, formula.derivative)
        slope_of_loss = put(put(formula.derivative, "t", t), "a", a)
        identity = name_of(layer.activation) == "identity"
        return f"{weighted}({slope_of_loss})" + ("" if identity else f"*{_factor(slope)}")

    def through_softmax(self, j: int, derivative: str) -> str:
        """Return what comes back through a softmax: a_j (e_j - sum_p a_p e_p), e the loss's derivatives."""
        a = [self.n(value) for value in self.trace.outputs[self.row]]
        t = [_factor(self.n(value)) for value in self.targets()]
        errors = [put(put(derivative, "t", t[p]), "a", a[p]) for p in range(len(a))]
        mean = self.sum([f"{a[p]}*({errors[p]})" for p in range(len(a))], self.max_units + 1)
        return f"{a[j]}*({errors[j]} - ({mean}))"

    def returned(self, layer: LayerTrace, j: int, slope: str) -> str:
        """Return the delta that the next layer sends back to unit j, with the numbers inserted."""
        behind = self.trace.layers[layer.number]
        products = [
            f"{_factor(self.n(d))}*{_factor(self.n(w))}"
            for d, w in zip(behind.delta[self.row], behind.weights[j], strict=True)
        ]
        total = self.sum(products, self.max_units + 1)
        return total if name_of(layer.activation) == "identity" else f"({total})*{_factor(slope)}"

    def updates(self, layer: LayerTrace) -> Iterable[Part]:
        k = layer.number
        fan_in, fan_out = layer.weights.shape
        yield Heading(3, f"Layer {k}")
        yield from self.gradient_rule(layer)
        yield Equation([f"dE_dW{k}[0,0]", self.gradient_sum(layer), self.n(layer.weight_gradient[0, 0])])
        places = [(i, j) for i in range(fan_in) for j in range(fan_out)]
        shown = places[: self.max_units**2]
        header = ["", "value", "gradient", *(f"{name} adds" for name in layer.updates)]
        rows = [
            [
                f"W{k}[{i},{j}]",
                self.n(layer.weights[i, j]),
                self.n(layer.weight_gradient[i, j]),
                *(self.n(update.weights[i, j]) for update in layer.updates.values()),
            ]
            for i, j in shown
        ]
        if layer.biases is not None and layer.bias_gradient is not None:
            for j in range(min(fan_out, self.max_units)):
                changes = [update.biases for update in layer.updates.values()]
                rows.append(
                    [
                        f"b{k}[{j}]",
                        self.n(layer.biases[j]),
                        self.n(layer.bias_gradient[j]),
                        *(self.n(change[j]) for change in changes if change is not None),
                    ]
                )
        yield Table(header, rows)
        left = len(places) - len(shown) + (0 if layer.biases is None else max(fan_out - self.max_units, 0))
        if left:
            yield Note(and_more(left, "parameters"))

    def gradient_rule(self, layer: LayerTrace) -> Iterable[Part]:
        """Show in symbols how a gradient of the layer is computed."""
        k, trace = layer.number, self.trace
        product, delta = f"a{k - 1}[i]*delta{k}[j]", f"delta{k}[j]"
        if len(trace.inputs) > 1:
            product, delta = f"total({product}, rows)", f"total({delta}, rows)"
        decay = f" + alpha*W{k}[i,j]" if trace.alpha else ""
        divisor = self.n(trace.sample_weight.sum())
        over = "" if divisor == "1" else f"/{divisor}"
        yield Equation([f"dE_dW{k}[i,j]", f"({product}{decay}){over}"])
        if layer.biases is not None:
            yield Equation([f"dE_db{k}[j]", f"({delta}){over}"])

    def gradient_sum(self, layer: LayerTrace) -> str:
        """Return the first weight's gradient as the sum over the rows."""
        trace = self.trace
        terms = [
            f"{_factor(self.n(a))}*{_factor(self.n(d))}"
            for a, d in zip(layer.inputs[:, 0], layer.delta[:, 0], strict=True)
        ]
        total = self.sum(terms, MOST_ROWS_IN_A_SUM)
        if trace.alpha:
            total += f" + {self.n(trace.alpha)}*{_factor(self.n(layer.weights[0, 0]))}"
        divisor = trace.sample_weight.sum()
        return total if divisor == 1 else f"({total})/{self.n(divisor)}"


def notes_on(optimizers: Mapping[str, Any]) -> Iterable[Note]:
    """Say what each optimizer adds to a parameter."""
    for name, optimizer in optimizers.items():
        if not isinstance(optimizer, str):
            yield Note(f"{name} adds {OPTIMIZERS[optimizer.name].adds}: {optimizer!r}.")


def and_more(count: int, what: str) -> str:
    return f"… and {count} more {what if count > 1 else what.removesuffix('s')}."


def _factor(number: str) -> str:
    """Put a negative number in brackets."""
    return f"({number})" if number.startswith("-") else number


# Plain text --------------------------------------------------------------------------------------------


def as_text(parts: Iterable[Part]) -> str:
    """Lay the parts out for a terminal."""
    lines: list[str] = []
    for part in parts:
        match part:
            case Heading(level=1, text=text):
                lines += [text, "=" * len(text)]
            case Heading(level=2, text=text):
                lines += ["", text, "-" * len(text)]
            case Heading(text=text):
                lines += [text]
            case Note(text=text):
                indent = "    " if text.startswith("…") else ""
                lines += textwrap.wrap(text, LINE, initial_indent=indent, subsequent_indent="    ")
            case Equation(chain=chain):
                lines += ["    " + to_text(chain)]
            case Table(header=header, rows=rows):
                lines += ["    " + line for line in _text_table(header, rows)]
    return "\n".join(lines)


def _text_table(header: list[str], rows: list[list[str]]) -> list[str]:
    cells = [header, *([to_text([row[0]]), *row[1:]] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]


# HTML --------------------------------------------------------------------------------------------------

_STYLE = (
    "<style>.fp-trace{line-height:1.5}"
    # Sums and parentheses grow only in a font that is made for mathematics.
    '.fp-trace math{font-family:"Latin Modern Math","STIX Two Math","Cambria Math",'
    '"DejaVu Math TeX Gyre",math}'
    ".fp-trace .fp-eq{margin-left:1.5em;padding:.25em 0;overflow-x:auto;overflow-y:hidden}"
    ".fp-trace table{margin-left:1.5em;border-collapse:collapse}"
    ".fp-trace td,.fp-trace th{text-align:right;padding:.15em .8em;border:0}"
    ".fp-trace th{border-bottom:1px solid currentColor}</style>"
)


def as_html(parts: Iterable[Part]) -> str:
    """Lay the parts out as an HTML fragment with MathML."""
    lines = [_STYLE]
    for part in parts:
        match part:
            case Heading(level=level, text=text):
                # Bold paragraphs: headings would enter the contents of the page around them.
                size = {1: "1.2em", 2: "1.1em"}.get(level, "1em")
                lines.append(f'<p style="font-size:{size}"><b>{escape(text)}</b></p>')
            case Note(text=text, html=html):
                lines.append(f"<p>{escape(html or text)}</p>")
            case Equation(chain=chain):
                lines.append(f'<div class="fp-eq">{to_mathml(chain)}</div>')
            case Table(header=header, rows=rows):
                head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
                body = "".join(
                    f"<tr><td>{to_mathml([row[0]])}</td>"
                    + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
                    + "</tr>"
                    for row in rows
                )
                lines.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    return f'<div class="fp-trace">{"".join(lines)}</div>'
