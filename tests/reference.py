"""A multi-layer perceptron in plain NumPy, written to be read.

Whatever ferroprop computes is computed here a second time, the way the formulas stand in a textbook: whole
matrices, no blocks, no threads, no tricks. The tests hold the library to these numbers.

Notation: row i of `X` is a sample, row i of `T` its target. Layer l has weights `W` (fan_in, fan_out), biases
`b` (fan_out,) and an activation function f. Starting from a_0 = X it computes, for all rows at once,

    z_l = a_{l-1} W_l + b_l        the net input
    a_l = f_l(z_l)                 the output

Every function works in the precision of the arrays that it is given, in which there are no denormal numbers:
where one would come out, or comes in, there is 0 (see `normal`).
"""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import special

SMALLEST = {np.dtype(name): np.finfo(name).smallest_normal for name in ("float32", "float64")}
# Where it stands for float64, free of rounding.
SMALLEST[np.dtype(np.longdouble)] = SMALLEST[np.dtype(np.float64)]


def normal(x):
    """Return x with 0 in place of every denormal number."""
    x = np.asarray(x)
    return np.where(np.abs(x) < SMALLEST[x.dtype], np.zeros((), x.dtype), x)


@dataclass
class Layer:
    """One layer: what it multiplies with, what it adds, what it does to the sum."""

    weights: np.ndarray  # (fan_in, fan_out)
    biases: np.ndarray | None  # (fan_out,), or None for a layer without
    activation: str
    hyperparameters: dict = field(default_factory=dict)  # of the activation, by name

    @property
    def slope(self):
        """The slope c of logistic and leaky_relu."""
        return self.hyperparameters.get("slope", 1.0)


# Forward -----------------------------------------------------------------------------------------------


def net_input(layer, a):
    """Return z = a W + b."""
    z = normal(normal(a) @ normal(layer.weights))
    return z if layer.biases is None else normal(z + normal(layer.biases))


def activate(layer, z):
    """Return a = f(z).

    identity  z
    logistic  1 / (1 + e^(-c z)) with slope c
    tanh      (e^z - e^-z) / (e^z + e^-z)
    relu      max(z, 0)
    softmax   e^(z_o) / sum_p e^(z_p), row by row
    softplus  log(1 + e^z)
    softsign  z / (1 + |z|)
    arctan    the inverse tangent
    bipolar   2 / (1 + e^(-z)) - 1
    leaky_relu  z for z > 0, else c z
    elu       z for z > 0, else alpha (e^z - 1)
    selu      scale z for z > 0, else scale alpha (e^z - 1), with the constants of Klambauer et al. 2017
    gelu      z Phi(z), Phi the cumulative function of the standard normal distribution
    silu      z / (1 + e^(-z))
    mish      z tanh(log(1 + e^z))
    hard_sigmoid  min(max(z + 3, 0), 6) / 6
    log_sigmoid  -log(1 + e^(-z))
    hard_tanh  min(max(z, -1), 1)
    scaled_tanh  A tanh(S z), with amplitude A and slope S
    scaled_sigmoid  c1 / (1 + e^(-c2 z)) - c3
    exp       e^z

    Subtracting the row's maximum from z does not change the softmax, but keeps e^z from overflowing.
    """
    match layer.activation:
        case "identity":
            return z
        case "logistic":
            return 1 / (1 + np.exp(-layer.slope * z))
        case "tanh":
            return np.tanh(z)
        case "relu":
            return np.maximum(z, 0)
        case "softmax":
            e = np.exp(z - z.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True)
        case "softplus":
            return np.logaddexp(0, z)
        case "softsign":
            return z / (1 + np.abs(z))
        case "arctan":
            return np.arctan(z)
        case "bipolar":
            return 2 / (1 + np.exp(-z)) - 1
        case "leaky_relu":
            return np.where(z > 0, z, layer.slope * z)
        case "elu":
            return np.where(z > 0, z, layer.hyperparameters["alpha"] * np.expm1(np.minimum(z, 0)))
        case "selu":
            return SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0)))
        case "gelu":
            return z * special.ndtr(z)
        case "silu":
            return z / (1 + np.exp(-z))
        case "mish":
            return z * np.tanh(np.logaddexp(0, z))
        case "hard_sigmoid":
            return np.minimum(np.maximum(z + 3, 0), 6) / 6
        case "log_sigmoid":
            return -np.logaddexp(0, -z)
        case "hard_tanh":
            return np.clip(z, -1, 1)
        case "scaled_tanh":
            return layer.hyperparameters["amplitude"] * np.tanh(layer.slope * z)
        case "scaled_sigmoid":
            c1, c2, c3 = layer.hyperparameters.values()
            return c1 / (1 + np.exp(-c2 * z)) - c3
        case "exp":
            return np.exp(z)


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def derivative(layer, z):
    """Return f'(z), of those that are functions of one number."""
    logistic = 1 / (1 + np.exp(-z))
    match layer.activation:
        case "identity":
            return np.ones_like(z)
        case "logistic":
            a = activate(layer, z)
            return layer.slope * a * (1 - a)
        case "tanh":
            return 1 - np.tanh(z) ** 2
        case "relu":
            return (z > 0).astype(z.dtype)
        case "softplus":
            return logistic
        case "softsign":
            return 1 / (1 + np.abs(z)) ** 2
        case "arctan":
            return 1 / (1 + z**2)
        case "bipolar":
            return 2 * logistic * (1 - logistic)
        case "leaky_relu":
            return np.where(z > 0, 1, layer.slope).astype(z.dtype)
        case "elu":
            return np.where(z > 0, 1, layer.hyperparameters["alpha"] * np.exp(np.minimum(z, 0))).astype(
                z.dtype
            )
        case "selu":
            return SELU_SCALE * np.where(z > 0, 1, SELU_ALPHA * np.exp(np.minimum(z, 0))).astype(z.dtype)
        case "gelu":
            return special.ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi).astype(z.dtype)
        case "silu":
            return logistic * (1 + z / (1 + np.exp(z)))
        case "mish":
            w = np.tanh(np.logaddexp(0, z))
            return w + z * (1 - w**2) * logistic
        case "hard_sigmoid":
            return ((z > -3) & (z < 3)) / np.array(6, z.dtype)
        case "log_sigmoid":
            return 1 / (1 + np.exp(z))
        case "hard_tanh":
            return ((z > -1) & (z < 1)).astype(z.dtype)
        case "scaled_tanh":
            t = np.tanh(layer.slope * z)
            return layer.hyperparameters["amplitude"] * layer.slope * (1 - t) * (1 + t)
        case "scaled_sigmoid":
            c1, c2, _ = layer.hyperparameters.values()
            s, rest = 1 / (1 + np.exp(-c2 * z)), 1 / (1 + np.exp(c2 * z))
            return c1 * c2 * s * rest
        case "exp":
            return np.exp(z)


def forward(layers, X):
    """Return what each layer hands on: [X, a_1, ..., a_L]."""
    outputs = [normal(X)]
    for layer in layers:
        outputs.append(normal(activate(layer, net_input(layer, outputs[-1]))))
    return outputs


def predict(layers, X):
    """Return the output of the last layer."""
    return forward(layers, X)[-1]


# Loss --------------------------------------------------------------------------------------------------


def huber(delta, distance):
    """distance^2 / 2 up to delta, from there on the tangent."""
    return np.where(distance <= delta, distance**2 / 2, delta * (distance - delta / 2))


def focal(layer, z, T, gamma):
    """Return the loss of each output and its derivative with respect to each net input.

    logistic  with P = -log(1 - a), N = -log(a): t e^(-g P) N + (1 - t) e^(-g N) P, by the product rule
    softmax   t (1 - a)^g N; with q its derivative times a, dE/dz = q - a sum_o q_o
    """
    if layer.activation == "logistic":
        u = layer.slope * z
        P, N = np.logaddexp(0, u), np.logaddexp(0, -u)
        a, rest = np.exp(-N), np.exp(-P)
        yes, no = T * np.exp(-gamma * P), (1 - T) * np.exp(-gamma * N)
        return yes * N + no * P, layer.slope * (no * (a + gamma * rest * P) - yes * (rest + gamma * a * N))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    total = e.sum(axis=1, keepdims=True)
    a = e / total
    # 1 - a as the sum of the others, which keeps its digits
    rest = np.stack([np.delete(e, o, axis=1).sum(axis=1) for o in range(e.shape[1])], axis=1) / total
    N = np.where(
        a > 0.5, -np.log1p(-np.minimum(rest, 0.5)), np.log(total) - (z - z.max(axis=1, keepdims=True))
    )
    ratio = np.where(rest > 0, N / np.where(rest > 0, rest, 1), 1)
    weight = T * rest**gamma
    q = -weight * (1 + gamma * a * ratio)
    return weight * N, q - a * q.sum(axis=1, keepdims=True)


def row_losses(output_layer, z, T, loss, hyperparameters=None):
    """Return the loss of each row, from the net input z of the output layer.

    squared_error             1/2 sum_o (t_o - a_o)^2
    absolute_error            sum_o |t_o - a_o|
    huber                     sum_o 1/2 (t_o - a_o)^2, a straight line beyond a distance of delta
    quantile                  sum_o q (t_o - a_o) where that is positive, else (q - 1) (t_o - a_o)
    log_cosh                  sum_o log(cosh(a_o - t_o))
    poisson, exp              sum_o t_o log(t_o / a_o) - t_o + a_o    with 0 log 0 = 0
    hinge                     sum_o max(0, 1 - t_o a_o)
    squared_hinge             sum_o max(0, 1 - t_o a_o)^2
    focal, logistic           -sum_o t_o (1 - a_o)^g log(a_o) + (1 - t_o) a_o^g log(1 - a_o)
    focal, softmax            -sum_o t_o (1 - a_o)^g log(a_o)
    log_loss, logistic        sum_o log(1 + e^(u_o)) - t_o u_o    with u = c z
    log_loss, softmax         log(sum_o e^(z_o)) sum_o t_o - sum_o t_o z_o

    These are -sum_o t_o log(a_o) + (1 - t_o) log(1 - a_o) and -sum_o t_o log(a_o), written so that the
    logarithm of a vanishing output is never taken.
    """
    a = activate(output_layer, z)
    match loss:
        case "squared_error":
            return ((T - a) ** 2).sum(axis=1) / 2
        case "absolute_error":
            return np.abs(T - a).sum(axis=1)
        case "huber":
            return huber(hyperparameters["delta"], np.abs(T - a)).sum(axis=1)
        case "quantile":
            q = hyperparameters["quantile"]
            return np.where(a < T, q * (T - a), (q - 1) * (T - a)).sum(axis=1)
        case "log_cosh":
            m = np.abs(T - a)
            near = np.log1p(2 * np.sinh(np.minimum(m, 20) / 2) ** 2)
            return np.where(m < 20, near, m - np.log(2)).astype(z.dtype).sum(axis=1)
        case "poisson":
            return (special.xlogy(T, T) - T * z - T + a).sum(axis=1)
        case "hinge":
            return np.maximum(0, 1 - T * a).sum(axis=1)
        case "squared_hinge":
            return (np.maximum(0, 1 - T * a) ** 2).sum(axis=1)
    if loss == "focal":
        return focal(output_layer, z, T, hyperparameters["gamma"])[0].sum(axis=1)
    T = smoothed(output_layer, T, (hyperparameters or {}).get("label_smoothing", 0))
    if output_layer.activation == "logistic":
        u = output_layer.slope * z
        return (np.logaddexp(0, u) - T * u).sum(axis=1)
    top = z.max(axis=1)
    log_sum = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
    return log_sum * T.sum(axis=1) - (T * z).sum(axis=1)


def smoothed(output_layer, T, label_smoothing):
    """Return targets of log_loss that are moved towards the middle."""
    s = label_smoothing
    return (1 - s) * T + s / (T.shape[1] if output_layer.activation == "softmax" else 2)


def total_loss(layers, X, T, loss, sample_weight, alpha, hyperparameters=None):
    """E = (sum_i w_i loss_i + alpha/2 sum W^2) / sum_i w_i; biases carry no penalty."""
    z = net_input(layers[-1], forward(layers, X)[-2])
    penalty = alpha * sum((layer.weights**2).sum() for layer in layers) / 2
    return (
        (sample_weight * row_losses(layers[-1], z, T, loss, hyperparameters)).sum() + penalty
    ) / sample_weight.sum()


# Backward ----------------------------------------------------------------------------------------------


def times_derivative(layer, z, dE_da):
    """Go back through the activation: dE/dz = f'(z) dE/da.

    softmax   each output depends on every net input: dE/dz_o = a_o (dE/da_o - sum_p a_p dE/da_p)
    """
    if layer.activation == "softmax":
        a = normal(activate(layer, z))
        return normal(a * (dE_da - (a * dE_da).sum(axis=1, keepdims=True)))
    return normal(dE_da * normal(derivative(layer, z)))


def output_delta(layer, z, T, loss, hyperparameters=None):
    """Return the delta dE/dz of the output layer, row by row.

    squared_error             (a - t) f'(z)
    absolute_error            sign(a - t) f'(z)
    huber                     (a - t, held between -delta and delta) f'(z)
    quantile                  (-q where a < t, 1 - q where a > t) f'(z)
    log_cosh                  tanh(a - t) f'(z)
    hinge                     -t where 1 - t a > 0, else 0
    squared_hinge             -2 t max(0, 1 - t a)
    poisson, exp              a - t
    focal                     see `focal`
    log_loss, logistic        c (a - t)
    log_loss, softmax         a sum_o t_o - t
    """
    a = activate(layer, z)
    match loss:
        case "squared_error":
            return times_derivative(layer, z, a - T)
        case "absolute_error":
            return times_derivative(layer, z, np.sign(a - T))
        case "huber":
            return times_derivative(
                layer, z, np.clip(a - T, -hyperparameters["delta"], hyperparameters["delta"])
            )
        case "quantile":
            q = hyperparameters["quantile"]
            slope = np.where(a < T, -q, np.where(a > T, 1 - q, 0)).astype(z.dtype)
            return times_derivative(layer, z, slope)
        case "log_cosh":
            return times_derivative(layer, z, np.tanh(a - T))
        case "hinge":
            return np.where(1 - T * a > 0, -T, 0)
        case "squared_hinge":
            return -2 * T * np.maximum(0, 1 - T * a)
        case "poisson":
            return a - T
    if loss == "focal":
        return focal(layer, z, T, hyperparameters["gamma"])[1]
    T = smoothed(layer, T, (hyperparameters or {}).get("label_smoothing", 0))
    if layer.activation == "logistic":
        return layer.slope * (a - T)
    return a * T.sum(axis=1, keepdims=True) - T


def input_gradient(layers, X):
    """Return d output / d input, of shape (rows, outputs, inputs): one backward pass for each output."""
    outputs = forward(layers, X)
    n_outputs = outputs[-1].shape[1]
    gradients = []
    for chosen in np.eye(n_outputs, dtype=X.dtype):
        delta = np.tile(chosen, (len(X), 1))
        for layer, a_before in zip(layers[::-1], outputs[-2::-1], strict=True):
            delta = normal(times_derivative(layer, net_input(layer, a_before), delta) @ layer.weights.T)
        gradients.append(delta)
    return np.stack(gradients, axis=1)


def loss_and_gradients(layers, X, T, loss, sample_weight=None, alpha=0.0, hyperparameters=None):
    """Backpropagation: the loss, dE/dW of every layer, dE/db of every layer (None where there are no biases).

    delta_L = dE/dz_L                           see `output_delta`
    delta_{l-1} = (delta_l W_l^T) f'(z_{l-1})
    dE/dW_l = (a_{l-1}^T delta_l + alpha W_l) / S
    dE/db_l = sum of the rows of delta_l / S    with S the sum of the sample weights
    """
    if sample_weight is None:
        sample_weight = np.ones(len(X), X.dtype)
    total_weight = sample_weight.sum()
    outputs = forward(layers, X)
    z = net_input(layers[-1], outputs[-2])
    delta = normal(output_delta(layers[-1], z, T, loss, hyperparameters))
    delta = normal(normal(sample_weight)[:, None] * delta)
    weight_gradients, bias_gradients = [], []
    for position in reversed(range(len(layers))):
        layer, a_before = layers[position], outputs[position]
        weight_gradients.insert(0, normal((a_before.T @ delta + alpha * layer.weights) / total_weight))
        bias_gradients.insert(0, None if layer.biases is None else normal(delta.sum(axis=0) / total_weight))
        if position > 0:
            z = net_input(layers[position - 1], outputs[position - 1])
            delta = times_derivative(layers[position - 1], z, normal(delta @ layer.weights.T))
    return (
        total_loss(layers, X, T, loss, sample_weight, alpha, hyperparameters),
        weight_gradients,
        bias_gradients,
    )


# Optimizers: from parameters, gradient and loss to the next parameters, all as vectors -----------------


class StepSizes:
    """What the Rprop family shares: step sizes D that grow while a gradient's sign stays, else shrink."""

    rate = None

    def __init__(self, increase=1.2, decrease=0.5, initial_step=0.1, min_step=1e-6, max_step=50.0, seed=0):
        self.increase, self.decrease = increase, decrease
        self.initial_step, self.min_step, self.max_step = initial_step, min_step, max_step
        self.seed = seed
        self.step_size = None

    def begin(self, w):
        """Make what is kept from one step to the next, before the first step."""
        if self.step_size is None:
            if isinstance(self.initial_step, tuple):
                low, high = self.initial_step
                drawn = low + (high - low) * random_units(self.seed, 5, w.size)
            else:
                drawn = np.full(w.shape, self.initial_step)
            self.step_size = drawn.astype(w.dtype)
            self.last_g, self.last_change, self.last_loss = np.zeros_like(w), np.zeros_like(w), np.inf
            self.steps = 0
        self.steps += 1

    def adapt(self, g):
        """Adapt the step sizes; return where the gradient's sign changed."""
        agreement = np.sign(self.last_g) * np.sign(g)
        same, turned = agreement > 0, agreement < 0
        grown = np.minimum(self.step_size * self.increase, self.max_step)
        shrunk = np.maximum(self.step_size * self.decrease, self.min_step)
        self.step_size = normal(np.where(same, grown, np.where(turned, shrunk, self.step_size)))
        return turned


class Rprop(StepSizes):
    """RPROP+ (Riedmiller & Braun 1993), RPROP- (Riedmiller 1994), iRPROP+, iRPROP- (Igel & Huesken 2000)."""

    def __init__(self, variant="irprop+", **constants):
        super().__init__(**constants)
        self.variant = variant

    def step(self, w, g, loss=None):
        g = normal(g)
        self.begin(w)
        turned = self.adapt(g)
        change = -np.sign(g) * self.step_size
        match self.variant:
            case "rprop+":
                moved, kept = np.where(turned, -self.last_change, change), np.where(turned, 0, g)
            case "rprop-":
                moved, kept = change, g
            case "irprop+":
                back = -self.last_change if loss > self.last_loss else np.zeros_like(w)
                moved, kept = np.where(turned, back, change), np.where(turned, 0, g)
            case "irprop-":
                moved, kept = np.where(turned, 0, change), np.where(turned, 0, g)
        self.last_change = np.where(turned, 0, change)
        self.last_g, self.last_loss = kept, loss
        return normal(w + moved)


class GRprop(StepSizes):
    """GRprop (Anastasiadis et al. 2005): RPROP-, but one step size follows from all others."""

    def __init__(self, offset=1e-6, choice="smallest_gradient", **constants):
        super().__init__(**constants)
        self.offset, self.choice = offset, choice

    def step(self, w, g, loss=None):
        g = normal(g)
        self.begin(w)
        self.adapt(g)
        if g.any():
            size = np.abs(g) if self.choice == "smallest_gradient" else self.step_size
            i = np.argmin(np.where(g == 0, np.inf, size))
            others = np.arange(len(w)) != i
            wanted = -((self.step_size * g)[others].sum() + self.offset) / g[i]
            self.step_size[i] = np.clip(wanted, self.min_step, self.max_step)
        self.last_g = g
        return normal(w - np.sign(g) * self.step_size)


class SARPROP(StepSizes):
    """SARPROP (Treadgold & Gedeon 1998): iRPROP- with noise on step sizes small against the loss."""

    def __init__(self, temperature=0.01, threshold=0.1, noise=8.0, weight_decay=0.0, **constants):
        super().__init__(**constants)
        self.temperature, self.threshold = temperature, threshold
        self.noise, self.weight_decay = noise, weight_decay

    def step(self, w, g, loss):
        self.begin(w)
        annealing = 2.0 ** (-self.temperature * self.steps)
        g = normal(normal(g) + self.weight_decay * annealing * w)
        before = self.step_size
        turned = self.adapt(g)
        r = random_units_at(self.seed, 6, self.steps, len(w))
        shaken = before * self.decrease + self.noise * np.sqrt(loss) * annealing * r
        noisy = turned & (before < self.threshold * loss)
        shaken = np.clip(shaken, self.min_step, self.max_step)
        self.step_size = np.where(noisy, shaken, self.step_size).astype(w.dtype)
        self.last_g = np.where(turned, 0, g)
        return normal(w - np.where(turned, 0, np.sign(g) * self.step_size))


class Fall:
    """Up from nearly 0 in the warm-up, flat for a while, and then from `value` to `final`."""

    def __init__(self, value, final=0.0, warm_up=0.0, flat=0.0, steps=None):
        self.value, self.final, self.warm_up, self.flat, self.steps = value, final, warm_up, flat, steps

    def at(self, step, steps):
        """Return the number of a step (from 1) of a training of so many."""
        steps = steps if self.steps is None else self.steps
        done, up, begin = step - 1, self.warm_up * steps, (self.warm_up + self.flat) * steps
        if done < up:
            return self.value * step / (up + 1)
        if done <= begin:
            return self.value
        return self.fallen((done - begin) / (steps - begin) if done < steps else 1.0)


class Linear(Fall):
    def fallen(self, q):
        return (1 - q) * self.value + q * self.final


class Cosine(Fall):
    def fallen(self, q):
        return self.final + (self.value - self.final) * (1 + np.cos(np.pi * q)) / 2


class Exponential(Fall):
    def fallen(self, q):
        return self.value * (self.final / self.value) ** q


class OneCycle:
    def __init__(self, value, warm_up=0.3, div_factor=25.0, final_div_factor=1e4, steps=None):
        self.value, self.warm_up, self.steps = value, warm_up, steps
        self.first = value / div_factor
        self.last = self.first / final_div_factor

    def at(self, step, steps):
        steps = steps if self.steps is None else self.steps
        done, peak = step - 1, self.warm_up * steps
        if done < peak:
            return Cosine(self.first, self.value).fallen(done / peak)
        return Cosine(self.value, self.last).fallen((done - peak) / (steps - peak) if done < steps else 1.0)


class InverseScaling:
    def __init__(self, value, power=0.5):
        self.value, self.power = value, power

    def of_epoch(self, rows_seen):
        return self.value / (rows_seen + 1) ** self.power if rows_seen else self.value


class Adaptive:
    def __init__(self, value):
        self.value = value


class Scheduled:
    """An optimizer with a learning rate, a number or a schedule; `rate` is the number now."""

    def __init__(self, learning_rate):
        self.learning_rate = learning_rate
        self.rate = getattr(learning_rate, "value", learning_rate)

    def begin_epoch(self, rows_seen):
        """Set the rate of this epoch; `Adaptive` is the training loop's affair, as it depends on the loss."""
        if isinstance(self.learning_rate, InverseScaling):
            self.rate = self.learning_rate.of_epoch(rows_seen)

    def begin_step(self, step, steps):
        if hasattr(self.learning_rate, "at"):
            self.rate = self.learning_rate.at(step, steps)


class SGD(Scheduled):
    """Gradient descent with momentum.

    v <- momentum v - rate g;   w <- w + v, or w + momentum v - rate g with Nesterov's momentum.
    """

    def __init__(self, learning_rate=0.1, momentum=0.9, nesterov=True):
        super().__init__(learning_rate)
        self.momentum, self.nesterov = momentum, nesterov
        self.velocity = 0.0

    def step(self, w, g, loss):
        g = normal(g)
        self.velocity = normal(self.momentum * self.velocity - self.rate * g)
        if self.nesterov:
            return normal(w + self.momentum * self.velocity - self.rate * g)
        return normal(w + self.velocity)


class Adam(Scheduled):
    """Adam (Kingma & Ba 2015): running means of the gradient and its square, freed of their start at 0."""

    def __init__(self, learning_rate=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        super().__init__(learning_rate)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.mean, self.mean_square, self.steps = 0.0, 0.0, 0

    def step(self, w, g, loss):
        self.steps += 1
        g = normal(g)
        self.mean = normal(self.beta_1 * self.mean + (1 - self.beta_1) * g)
        self.mean_square = normal(self.beta_2 * self.mean_square + (1 - self.beta_2) * normal(g**2))
        rate = self.rate * (1 - self.beta_2**self.steps) ** 0.5 / (1 - self.beta_1**self.steps)
        return normal(w - rate * self.mean / (np.sqrt(self.mean_square) + self.epsilon))


class NAdam(Adam):
    """NAdam (Dozat 2016): Adam, with the mean gradient as it will be one step later."""

    def __init__(self, learning_rate=2e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-8, momentum_decay=4e-3):
        super().__init__(learning_rate, beta_1, beta_2, epsilon)
        self.momentum_decay, self.product = momentum_decay, 1.0

    def momentum(self, step):
        return self.beta_1 * (1 - 0.96 ** (step * self.momentum_decay) / 2)

    def step(self, w, g, loss):
        self.steps += 1
        g = normal(g)
        self.mean = normal(self.beta_1 * self.mean + (1 - self.beta_1) * g)
        self.mean_square = normal(self.beta_2 * self.mean_square + (1 - self.beta_2) * normal(g**2))
        now, following = self.momentum(self.steps), self.momentum(self.steps + 1)
        self.product *= now
        ahead = (1 - now) / (1 - self.product) * g + following / (1 - self.product * following) * self.mean
        unbiased = self.mean_square / (1 - self.beta_2**self.steps)
        return normal(w - self.rate * normal(ahead) / (np.sqrt(unbiased) + self.epsilon))


class AdamW(Adam):
    """AdamW (Loshchilov & Hutter 2019): decoupled weight decay; `decays` is 1 for weights, 0 for biases."""

    def __init__(
        self, learning_rate=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.01, decays=1.0
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon)
        self.weight_decay, self.decays = weight_decay, decays
        self.decay = weight_decay

    def begin_step(self, step, steps):
        super().begin_step(step, steps)
        if hasattr(self.weight_decay, "at"):
            self.decay = self.weight_decay.at(step, steps)

    def step(self, w, g, loss):
        return super().step(w - self.rate * self.decay * self.decays * w, g, loss)


class RMSprop(Scheduled):
    """RMSprop (Tieleman & Hinton 2012): each step over the root of the mean squared gradient."""

    def __init__(self, learning_rate=0.01, rho=0.99, epsilon=1e-8, momentum=0.0, centered=False):
        super().__init__(learning_rate)
        self.rho, self.epsilon, self.momentum, self.centered = rho, epsilon, momentum, centered
        self.mean_square, self.mean, self.velocity = 0.0, 0.0, 0.0

    def step(self, w, g, loss):
        g = normal(g)
        self.mean_square = normal(self.rho * self.mean_square + (1 - self.rho) * normal(g**2))
        square = self.mean_square
        if self.centered:
            self.mean = normal(self.rho * self.mean + (1 - self.rho) * g)
            square = np.maximum(normal(square - normal(self.mean**2)), 0)
        change = normal(g / (np.sqrt(square) + self.epsilon))
        self.velocity = normal(self.momentum * self.velocity + change)
        return normal(w - self.rate * self.velocity)


# Random numbers: Philox4x32-10 (Salmon et al. 2011), from a seed and a place ------------------------------


def philox(counters, seed):
    """Return the four 32-bit words of each row of `counters`, which has four too."""
    words = [counters[:, i].astype(np.uint64) for i in range(4)]
    low = np.uint64(0xFFFFFFFF)
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = words[0] * np.uint64(0xD2511F53), words[2] * np.uint64(0xCD9E8D57)
        half = np.uint64(32)
        words = [
            (b >> half) ^ words[1] ^ np.uint64(key[0]),
            b & low,
            (a >> half) ^ words[3] ^ np.uint64(key[1]),
            a & low,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(words, axis=1)


def random_units(seed, purpose, n):
    """Return the first n numbers of a stream, in 0..1: 53 bits of two words each."""
    counters = np.zeros((n // 2 + 1, 4), np.uint64)
    counters[:, 0], counters[:, 3] = np.arange(len(counters)), purpose
    words = philox(counters, seed).reshape(-1, 2)[:n]
    return ((words[:, 0] | words[:, 1] << np.uint64(32)) >> np.uint64(11)) / 2.0**53


def random_units_at(seed, purpose, step, n):
    """Return a number in 0..1 for each of n places in this step: 24 bits of a word each."""
    counters = np.zeros((n // 4 + 1, 4), np.uint64)
    counters[:, 0], counters[:, 2], counters[:, 3] = np.arange(len(counters)), step, purpose << 24
    return (philox(counters, seed).ravel()[:n] >> np.uint64(8)) / 2.0**24


# Training ----------------------------------------------------------------------------------------------


def to_vector(weights, biases):
    """All parameters one after the other, layer by layer, in each the weights first."""
    both = zip(weights, biases, strict=True)
    return np.concatenate([array.ravel() for layer in both for array in layer if array is not None])


def with_parameters(layers, vector):
    """Return the same layers with parameters taken from a vector made by `to_vector`."""
    start = 0

    def take(like):
        nonlocal start
        start += like.size
        return vector[start - like.size : start].reshape(like.shape)

    return [
        replace(
            layer,
            weights=take(layer.weights),
            biases=None if layer.biases is None else take(layer.biases),
        )
        for layer in layers
    ]


@dataclass
class Training:
    """What `train` returns: the trained layers and the course of the training."""

    layers: list
    losses: list
    rates: list
    stop_reason: str


def train(
    layers,
    X,
    T,
    loss,
    optimizer,
    epochs,
    batch_size=None,
    order=None,
    sample_weight=None,
    alpha=0.0,
    patience=None,
    tolerance=0.0,
    hyperparameters=None,
    clip_norm=None,
):
    """Train, one epoch after the other; `order(epoch)` is the sequence of rows of that epoch (from 1).

    The loss of an epoch is the mean of its batches' losses, each taken before that batch's step and counted
    by its rows. An epoch that is not better than the best by `tolerance` is bad; so many bad epochs in a row
    as `patience` end the training. An adaptive learning rate they divide by 5 until it is 1e-6. A gradient
    longer than `clip_norm`, penalty included, is made so long before the step.
    """
    n_rows = len(X)
    batch_size = batch_size or n_rows
    if sample_weight is None:
        sample_weight = np.ones(n_rows, X.dtype)
    losses, rates = [], []
    best, bad_epochs = np.inf, 0
    step, steps = 0, epochs * -(-n_rows // batch_size)

    for epoch in range(1, epochs + 1):
        if isinstance(optimizer, Scheduled):
            optimizer.begin_epoch(rows_seen=(epoch - 1) * n_rows)
        rows = np.arange(n_rows) if order is None else order(epoch)
        mean_loss = 0.0
        for start in range(0, n_rows, batch_size):
            batch = rows[start : start + batch_size]
            value, weight_gradients, bias_gradients = loss_and_gradients(
                layers, X[batch], T[batch], loss, sample_weight[batch], alpha, hyperparameters
            )
            step += 1
            if isinstance(optimizer, Scheduled):
                optimizer.begin_step(step, steps)
            vector = to_vector([layer.weights for layer in layers], [layer.biases for layer in layers])
            gradient = to_vector(weight_gradients, bias_gradients)
            norm = np.sqrt(np.sum(gradient.astype(np.float64) ** 2))
            if clip_norm is not None and norm > clip_norm:
                gradient = (gradient * (clip_norm / norm)).astype(gradient.dtype)
            vector = optimizer.step(vector, gradient, value)
            layers = with_parameters(layers, vector)
            mean_loss += value * len(batch) / n_rows
        losses.append(mean_loss)
        rates.append(getattr(optimizer, "rate", None))

        bad_epochs = bad_epochs + 1 if losses[-1] > best - tolerance else 0
        best = min(best, losses[-1])
        if patience is not None and bad_epochs >= patience:
            if not isinstance(getattr(optimizer, "learning_rate", None), Adaptive) or optimizer.rate <= 1e-6:
                return Training(layers, losses, rates, "patience")
            optimizer.rate /= 5
            bad_epochs = 0
    return Training(layers, losses, rates, "epochs")
