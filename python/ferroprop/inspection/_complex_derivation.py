"""The derivation of a step of a complex network for one row: the formulas, and the numbers in tables."""

from collections.abc import Iterable, Sequence

from ferroprop.catalogue import OPTIMIZERS
from ferroprop.inspection._derivation import Equation, Heading, Note, Part, Table, and_more, check
from ferroprop.inspection._double import Array
from ferroprop.inspection._formula import number
from ferroprop.inspection._step import LayerTrace, Step

LETTERS = (
    "z net input, a output, t target, E loss, δ = ∂E/∂Re z + i ∂E/∂Im z; conj is the conjugate, f_z and "
    "f_zc are the derivatives of f with respect to z and its conjugate. The number after a letter is the "
    "layer, a0 the inputs; W1[i,j] leads from unit i to unit j of layer 1."
)


def derive_complex(trace: Step, row: int, digits: int, max_units: int) -> list[Part]:
    """Return the derivation of a step for one row."""
    check(trace, row, digits, max_units)
    return list(_Derivation(trace, int(row), int(digits), int(max_units)).parts())


class _Derivation:
    def __init__(self, trace: Step, row: int, digits: int, max_units: int) -> None:
        self.trace, self.row, self.digits, self.max_units = trace, row, digits, max_units

    def parts(self) -> Iterable[Part]:
        trace = self.trace
        sizes = [trace.inputs.shape[1], *(layer.weights.shape[1] for layer in trace.layers)]
        yield Heading(
            1,
            f"One step of complex backpropagation: layers {'-'.join(map(str, sizes))}, {trace.loss_name}, "
            f"row {self.row} of {len(trace.inputs)}",
        )
        yield Note(LETTERS)
        yield Heading(2, "Forward")
        yield from self.units("a0", "inputs", [("value", trace.inputs[self.row])])
        for layer in trace.layers:
            yield from self.forward(layer)
        yield Heading(2, "Loss")
        targets = [("target", trace.targets[self.row]), ("output", trace.outputs[self.row])]
        yield from self.units("t", "outputs", targets)
        yield Note(
            f"Loss of this row {self.n(trace.row_losses[self.row])}, of all rows {self.n(trace.loss)}"
            + (f", of which penalty {self.n(trace.penalty)}." if trace.alpha else ".")
        )
        yield Heading(2, "Backward")
        for layer in reversed(trace.layers):
            yield from self.backward(layer)
        yield Heading(2, "Gradients and updates")
        for name, optimizer in trace.optimizers.items():
            if not isinstance(optimizer, str):
                yield Note(f"{name} adds {OPTIMIZERS[optimizer.name].adds}, part by part: {optimizer!r}.")
        for layer in trace.layers:
            yield from self.updates(layer)

    def n(self, value: complex) -> str:
        """Return a number; a complex one as a sum of its parts."""
        if not isinstance(value, complex):
            return number(float(value), self.digits)
        imaginary = number(abs(value.imag), self.digits)
        return f"{number(value.real, self.digits)} {'-' if value.imag < 0 else '+'} {imaginary}i"

    def units(self, letter: str, what: str, columns: Sequence[tuple[str, Array]]) -> Iterable[Part]:
        """Show numbers of the first units, and count the rest."""
        count = len(columns[0][1])
        rows = [
            [f"{letter}[{j}]", *(self.n(numbers[j].item()) for _, numbers in columns)]
            for j in range(min(count, self.max_units))
        ]
        yield Table(["", *(name for name, _ in columns)], rows)
        if count > self.max_units:
            yield Note(and_more(count - self.max_units, what))

    def forward(self, layer: LayerTrace) -> Iterable[Part]:
        k = layer.number
        fan_in, fan_out = layer.weights.shape
        yield Heading(3, f"Layer {k}: {layer.activation}, {fan_in} to {fan_out}")
        bias = "" if layer.biases is None else f" + b{k}[j]"
        yield Equation([f"z{k}[j]", f"total(a{k - 1}[i]*W{k}[i,j], i){bias}"])
        yield Equation([f"a{k}[j]", f"f(z{k}[j])"])
        columns = [("z", layer.net_input[self.row]), ("a", layer.output[self.row])]
        yield from self.units(f"a{k}", "units", columns)

    def backward(self, layer: LayerTrace) -> Iterable[Part]:
        k = layer.number
        yield Heading(3, f"Layer {k}")
        source = "dE_da[j]"
        if k < len(self.trace.layers):
            source = "g[j]"
            yield Equation([source, f"total(delta{k + 1}[m]*conj(W{k + 1}[j,m]), m)"])
        yield Equation([f"delta{k}[j]", f"{source}*conj(f_z[j]) + conj({source})*f_zc[j]"])
        columns = [("f_z", layer.derivative[self.row])]
        if layer.conjugate_derivative is not None:
            columns.append(("f_zc", layer.conjugate_derivative[self.row]))
        columns.append(("delta", layer.delta[self.row]))
        yield from self.units(f"delta{k}", "units", columns)

    def updates(self, layer: LayerTrace) -> Iterable[Part]:
        k, trace = layer.number, self.trace
        fan_in, fan_out = layer.weights.shape
        yield Heading(3, f"Layer {k}")
        decay = f" + alpha*W{k}[i,j]" if trace.alpha else ""
        divisor = self.n(trace.sample_weight.sum())
        over = "" if divisor == "1" else f"/{divisor}"
        yield Equation([f"dE_dW{k}[i,j]", f"(total(conj(a{k - 1}[i])*delta{k}[j], rows){decay}){over}"])
        if layer.biases is not None:
            yield Equation([f"dE_db{k}[j]", f"total(delta{k}[j], rows){over}"])
        places = [(i, j) for i in range(fan_in) for j in range(fan_out)]
        rows = [
            [f"W{k}[{i},{j}]", *(self.n(numbers[i, j].item()) for numbers in self.of_weights(layer))]
            for i, j in places[: self.max_units**2]
        ]
        for j in range(min(fan_out, self.max_units) if layer.biases is not None else 0):
            rows.append([f"b{k}[{j}]", *(self.n(numbers[j].item()) for numbers in self.of_biases(layer))])
        yield Table(["", "value", "gradient", *(f"{name} adds" for name in layer.updates)], rows)
        left = len(places) - len(places[: self.max_units**2])
        left += 0 if layer.biases is None else max(fan_out - self.max_units, 0)
        if left:
            yield Note(and_more(left, "parameters"))

    @staticmethod
    def of_weights(layer: LayerTrace) -> list[Array]:
        """Return the weights, their gradients and their updates."""
        return [layer.weights, layer.weight_gradient, *(one.weights for one in layer.updates.values())]

    @staticmethod
    def of_biases(layer: LayerTrace) -> list[Array]:
        """Return the biases, their gradients and their updates."""
        every = [layer.biases, layer.bias_gradient, *(one.biases for one in layer.updates.values())]
        return [one for one in every if one is not None]
