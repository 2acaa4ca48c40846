"""Elementary functions and activations in C99, in float, without libm.

Methods and coefficients are the core's own (src/kernel/math/ describes them), written without fused
multiply-adds, which a microcontroller may lack. ``@`` stands for the prefix of all names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ferroprop.export import _functions
from ferroprop.export._c_text import number


@dataclass(frozen=True)
class Routine:
    """A function in C.

    Parameters
    ----------
    text : str
        Its definition.
    needs : tuple of str
        The routines it calls.
    """

    text: str
    needs: tuple[str, ...] = ()


def horner(z: str, coefficients: Sequence[float]) -> str:
    """Return a polynomial of a variable, lowest degree first, as an expression."""
    *rest, last = map(number, coefficients)
    expression = last
    for one in reversed(rest):
        expression = f"{expression} * {z} + {one}" if expression is last else f"({expression}) * {z} + {one}"
    return expression


ROUTINES: dict[str, Routine] = {
    "power_of_2": Routine(
        """
/* 2^n for n from -126 to 127. */
static inline float @power_of_2(int n)
{
    union { uint32_t bits; float value; } power;
    power.bits = (uint32_t)(n + 127) << 23;
    return power.value;
}
"""
    ),
    "expm1_reduced": Routine(
        f"""
/* x = n ln(2) + r: returns e^r - 1 = r + r^2 Q(r). */
static inline float @expm1_reduced(float x, int *n)
{{
    float r;
    *n = (int)(x * 1.44269504f + (x < 0.0f ? -0.5f : 0.5f));
    r = x - (float)*n * 0.693138123f;        /* exact: the constant has few bits */
    r = r - (float)*n * 9.05800061e-6f;      /* the rest of ln(2) */
    return r + r * r * ({horner("r", _functions.EXPM1_F32)});
}}
""",
    ),
    "exp": Routine(
        """
/* e^x; in two factors, because no single exponent covers all results. */
static inline float @exp(float x)
{
    int n, half;
    float p;
    if (x > 89.0f) x = 89.0f;
    if (x < -104.0f) x = -104.0f;
    if (x != x) return x;
    p = @expm1_reduced(x, &n);
    half = n / 2;
    return (1.0f + p) * @power_of_2(half) * @power_of_2(n - half);
}
""",
        ("power_of_2", "expm1_reduced"),
    ),
    "expm1": Routine(
        """
/* e^x - 1 for x up to 40. */
static inline float @expm1(float x)
{
    int n;
    float p, power;
    if (x < -20.0f) return -1.0f;
    if (x != x) return x;
    p = @expm1_reduced(x, &n);
    power = @power_of_2(n);
    return p * power + (power - 1.0f);
}
""",
        ("power_of_2", "expm1_reduced"),
    ),
    "logistic": Routine(
        """
/* 1 / (1 + e^-x) */
static inline float @logistic(float x)
{
    float e = @exp(x < 0.0f ? x : -x);
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}
""",
        ("exp",),
    ),
    "tanh": Routine(
        """
/* tanh(x) */
static inline float @tanh(float x)
{
    float m = x < 0.0f ? -x : x, e;
    if (m > 9.02f) return x < 0.0f ? -1.0f : 1.0f;
    e = @expm1(2.0f * m);
    e = e / (e + 2.0f);
    return x < 0.0f ? -e : e;
}
""",
        ("expm1",),
    ),
    "softplus": Routine(
        f"""
/* ln(1 + e^x) = max(x, 0) + ln(1 + u), u = e^-|x|, d = u / (2 + u), z = d^2 */
static inline float @softplus(float x)
{{
    float u = @exp(x < 0.0f ? x : -x), d = u / (2.0f + u), z = d * d;
    float log = u - d * (u - z * ({horner("z", _functions.LOG1P_F32)}));
    return x > 0.0f ? x + log : log;
}}
""",
        ("exp",),
    ),
    "arctan": Routine(
        f"""
/* The inverse tangent; one of three reductions brings the argument below tan(pi/8). */
static inline float @arctan(float x)
{{
    float m = x < 0.0f ? -x : x, t = m, start = 0.0f, z;
    if (m > 2.41421356f) {{
        t = -1.0f / m;
        start = 1.57079633f;
    }} else if (m > 0.414213562f) {{
        t = (m - 1.0f) / (m + 1.0f);
        start = 0.785398163f;
    }}
    z = t * t;
    t = start + (t + t * z * ({horner("z", _functions.ATAN_F32)}));
    return x < 0.0f ? -t : t;
}}
"""
    ),
    "gelu": Routine(
        f"""
/* x times the cumulative function of the standard normal distribution, whose tail beyond m = |x| is
   e^(-m^2 / 2) G(t) / (m + 4), t = (m - 4) / (m + 4); m^2 in two parts, because its rounding would show. */
static inline float @gelu(float x)
{{
    union {{ uint32_t bits; float value; }} high;
    float m = x < 0.0f ? -x : x, t, tail;
    if (x != x) return x;
    if (m > 14.5f) m = 14.5f;
    high.value = m;
    high.bits &= 0xfffff000u;
    t = (m - 4.0f) / (m + 4.0f);
    tail = ({horner("t", _functions.MILLS_F32)}) / (m + 4.0f);
    tail = tail * @exp(-0.5f * (m - high.value) * (m + high.value)) * @exp(-0.5f * high.value * high.value);
    return x > 0.0f ? x * (1.0f - tail) : x * tail;
}}
""",
        ("exp",),
    ),
    "mish": Routine(
        """
/* x tanh(ln(1 + e^x)) = x w / (w + 2), w = e (e + 2), e = e^x */
static inline float @mish(float x)
{
    float e = @exp(x > 20.0f ? 20.0f : x), w = e * (e + 2.0f);
    return x * (w / (w + 2.0f));
}
""",
        ("exp",),
    ),
}
"""The routines that the activations below need; each follows those that it uses."""

SCALE, ALPHA = number(_functions.SELU_SCALE), number(_functions.SELU_SCALE * _functions.SELU_ALPHA)

ACTIVATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "identity": ("z", ()),
    "logistic": ("@logistic({slope} * z)", ("logistic",)),
    "tanh": ("@tanh(z)", ("tanh",)),
    "relu": ("z > 0.0f ? z : 0.0f", ()),
    "softplus": ("@softplus(z)", ("softplus",)),
    "softsign": ("z / (1.0f + (z < 0.0f ? -z : z))", ()),
    "arctan": ("@arctan(z)", ("arctan",)),
    "bipolar": ("@tanh(0.5f * z)", ("tanh",)),
    "leaky_relu": ("z > 0.0f ? z : {slope} * z", ()),
    "elu": ("z > 0.0f ? z : {alpha} * @expm1(z)", ("expm1",)),
    "selu": (f"z > 0.0f ? {SCALE} * z : {ALPHA} * @expm1(z)", ("expm1",)),
    "gelu": ("@gelu(z)", ("gelu",)),
    "silu": ("z * @logistic(z)", ("logistic",)),
    "mish": ("@mish(z)", ("mish",)),
    "hard_sigmoid": ("z < -3.0f ? 0.0f : z > 3.0f ? 1.0f : (z + 3.0f) / 6.0f", ()),
    "exp": ("@exp(z)", ("exp",)),
    "log_sigmoid": ("-@softplus(-z)", ("softplus",)),
    "hard_tanh": ("z < -1.0f ? -1.0f : z > 1.0f ? 1.0f : z", ()),
    "scaled_tanh": ("{amplitude} * @tanh({slope} * z)", ("tanh",)),
    "scaled_sigmoid": ("{c1} * @logistic({c2} * z) - {c3}", ("logistic",)),
}
"""Each activation but the softmax as an expression of z, and the routines it needs."""

ULPS = {
    "identity": 0.0,
    "logistic": 2.4,
    "tanh": 2.5,
    "relu": 0.0,
    "softplus": 1.9,
    "softsign": 1.5,
    "arctan": 2.6,
    "bipolar": 2.5,
    "leaky_relu": 0.5,
    "elu": 1.0,
    "selu": 1.9,
    "gelu": 5.8,
    "silu": 3.0,
    "mish": 3.9,
    "hard_sigmoid": 1.1,
    "exp": 1.0,
    "log_sigmoid": 1.9,
    "hard_tanh": 0.0,
    "scaled_tanh": 2.5,
    "scaled_sigmoid": 2.4,
}
"""The largest errors, in units in the last place, of results from 2^-119 on; smaller ones are off by 2^-132.

``tests/test_export_c.py`` measures them, with hyperparameters of 1 and c3 of 0, where a compiler fuses
products with sums and where it does not.
"""

SOFTMAX = """
/* e^x of each number, divided by their sum */
static inline void @softmax(float *x, int n)
{
    float largest = x[0], sum = 0.0f;
    int i;
    for (i = 1; i < n; i++) if (x[i] > largest) largest = x[i];
    for (i = 0; i < n; i++) {
        x[i] = @exp(x[i] - largest);
        sum += x[i];
    }
    for (i = 0; i < n; i++) x[i] /= sum;
}
"""


def routines_for(names: Iterable[str]) -> list[str]:
    """Return the texts of these routines and of those that they use, in an order that C accepts."""
    needed: set[str] = set()

    def need(name: str) -> None:
        needed.add(name)
        for other in ROUTINES[name].needs:
            need(other)

    for name in names:
        need(name)
    return [routine.text for name, routine in ROUTINES.items() if name in needed]
