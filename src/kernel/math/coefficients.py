#!/usr/bin/env python3
"""Compute the constants of the Rust files beside this script, and what error each set achieves.

Every polynomial is a weighted minimax fit (Remez exchange) in 160-bit arithmetic, its coefficients rounded
to the target type and then moved to neighbouring numbers as long as that helps. The printed error is the
error of the rounded constants.

    python coefficients.py           print the Rust constants and the errors
    python coefficients.py --check   exit with 1 unless every constant stands in its Rust file as printed

Needs mpmath.
"""

import argparse
import pathlib
import re
import struct
import sys
from collections.abc import Callable

from mpmath import mp, mpf

mp.prec = 160

# The exchange looks for extrema on this many points, the rounding compares errors on half as many.
POINTS = 200
# Below this the closed forms cancel; the first terms of the series are exact to working precision.
SERIES_BELOW = mpf(10) ** -15
# A weight of zero would make the exchange singular.
SMALLEST_WEIGHT = mpf(10) ** -30

Function = Callable[[mpf], mpf]


def minimax(target: Function, weight: Function, degree: int, low: mpf, high: mpf) -> list[mpf]:
    """Return the polynomial, lowest degree first, of least maximal ``weight * |polynomial - target|``."""
    count = degree + 1
    # Equal steps in the angle: the extrema of the error lie nearly so.
    grid = [low + (high - low) * (1 - mp.cos(mp.pi * i / POINTS)) / 2 for i in range(POINTS + 1)]
    targets = [target(x) for x in grid]
    weights = [max(weight(x), SMALLEST_WEIGHT) for x in grid]
    points = [round(POINTS * (2 * i + 1) / (2 * (count + 1))) for i in range(count + 1)]
    for _ in range(200):
        system, right = mp.matrix(count + 1, count + 1), mp.matrix(count + 1, 1)
        for row, k in enumerate(points):
            for power in range(count):
                system[row, power] = grid[k] ** power
            system[row, count] = (-1) ** row / weights[k]
            right[row] = targets[k]
        solution = mp.lu_solve(system, right)
        coefficients = [solution[j] for j in range(count)]
        levelled = abs(solution[count])
        errors = [
            (mp.polyval(coefficients[::-1], x) - t) * w
            for x, t, w in zip(grid, targets, weights, strict=True)
        ]
        if max(map(abs, errors)) < levelled * mpf("1.002"):
            return coefficients
        points = exchange(points, errors)
    raise ArithmeticError("the exchange did not converge")


def exchange(points: list[int], errors: list[mpf]) -> list[int]:
    """Return the points with the largest error in the place of a neighbour of the same sign.

    The signs alternate before and after.
    """
    worst = max(range(len(errors)), key=lambda k: abs(errors[k]))

    def same_sign(k: int) -> bool:
        return (errors[k] > 0) == (errors[worst] > 0)

    after = next((i for i, k in enumerate(points) if k >= worst), len(points))
    if after < len(points) and same_sign(points[after]):
        return [*points[:after], worst, *points[after + 1 :]]
    if after > 0 and same_sign(points[after - 1]):
        return [*points[: after - 1], worst, *points[after:]]
    return [worst, *points[:-1]] if after == 0 else [*points[1:], worst]


def rounded(value: mpf, bits: int) -> mpf:
    """Return the f32 or f64 nearest to ``value``."""
    as_double = float(value)
    return mpf(as_double if bits == 64 else struct.unpack("f", struct.pack("f", as_double))[0])


def neighbours(value: mpf, bits: int) -> list[mpf]:
    """Return the next smaller and the next larger f32 or f64."""
    step = mpf(2) ** (mp.floor(mp.log(abs(value), 2)) - (52 if bits == 64 else 23))
    return [rounded(value - step, bits), rounded(value + step, bits)]


def fit(
    target: Function, weight: Function, degree: int, low: mpf, high: mpf, bits: int
) -> tuple[list[mpf], mpf]:
    """Return the rounded minimax coefficients, lowest degree first, and their largest weighted error."""
    best = [rounded(c, bits) for c in minimax(target, weight, degree, low, high)]

    def largest_error(steps: int) -> Callable[[list[mpf]], mpf]:
        grid = [low + (high - low) * 2 * mpf(i) / steps for i in range(steps // 2 + 1)]
        table = [(x, target(x), weight(x)) for x in grid]
        return lambda coefficients: max(abs(mp.polyval(coefficients[::-1], x) - t) * w for x, t, w in table)

    # An odd number of steps: none of the points is 0, the middle of a symmetric interval.
    error = largest_error(POINTS + 1)
    smallest = error(best)
    moved = True
    while moved:
        moved = False
        for i in range(degree + 1):
            for value in neighbours(best[i], bits):
                trial = [*best[:i], value, *best[i + 1 :]]
                if (trial_error := error(trial)) < smallest * mpf("0.999"):
                    best, smallest, moved = trial, trial_error, True
    # Finer, and up to the end of the interval.
    return best, largest_error(4 * POINTS)(best)


# A little more than ln(2) / 2: the rounding of x * log2(e) may choose the neighbouring multiple.
HALF = mp.log(2) / 2 * mpf("1.001")


def expm1_polynomial(degree: int, bits: int) -> tuple[list[mpf], mpf]:
    """Q in ``e^r - 1 = r + r^2 Q(r)``, its error relative to ``e^r``."""

    def target(r: mpf) -> mpf:
        return (mp.expm1(r) - r) / r**2 if abs(r) > SERIES_BELOW else mpf(1) / 2 + r / 6

    def weight(r: mpf) -> mpf:
        return r**2 / mp.exp(r)

    return fit(target, weight, degree, -HALF, HALF, bits)


def coth_polynomial(degree: int, bits: int) -> tuple[list[mpf], mpf]:
    """W in ``r coth(r / 2) = 2 + z W(z)``, ``z = r^2``, its error relative to the whole."""

    def target(z: mpf) -> mpf:
        r = mp.sqrt(z)
        return (r * mp.coth(r / 2) - 2) / z if z > SERIES_BELOW else mpf(1) / 6 - z / 360

    def weight(z: mpf) -> mpf:
        r = mp.sqrt(z)
        return z / (r * mp.coth(r / 2)) if z else mpf(0)

    return fit(target, weight, degree, mpf(0), HALF**2, bits)


def log_polynomial(largest: mpf, degree: int, bits: int) -> tuple[list[mpf], mpf]:
    """P in ``ln(1 + f) = f - s (f - z P(z))``, ``s = f / (2 + f)``, ``z = s^2``, for s up to ``largest``.

    The error is relative to ``ln(1 + f) = 2 atanh(s)``.
    """

    def target(z: mpf) -> mpf:
        s = mp.sqrt(z)
        return 2 * (mp.atanh(s) / s - 1) / z if z > SERIES_BELOW else mpf(2) / 3 + 2 * z / 5

    def weight(z: mpf) -> mpf:
        s = mp.sqrt(z)
        return z * s / (2 * mp.atanh(s)) if z else mpf(0)

    return fit(target, weight, degree, mpf(0), largest**2, bits)


def atan_polynomial(degree: int, bits: int) -> tuple[list[mpf], mpf]:
    """P in ``atan(t) = t + t z P(z)``, ``z = t^2``, t up to tan(pi/8), its error relative to the whole."""

    def target(z: mpf) -> mpf:
        t = mp.sqrt(z)
        return (mp.atan(t) / t - 1) / z if z > SERIES_BELOW else -mpf(1) / 3 + z / 5

    def weight(z: mpf) -> mpf:
        t = mp.sqrt(z)
        return z * t / mp.atan(t) if z else mpf(0)

    # A little more than needed: the quotient that t is has been rounded.
    return fit(target, weight, degree, mpf(0), (mp.sqrt(2) - 1) ** 2 * mpf("1.001"), bits)


def mills_polynomial(k: int, largest: mpf, degree: int, bits: int) -> tuple[list[mpf], mpf]:
    """G in ``tail(m) = e^(-m^2 / 2) G(t) / (m + k)``, ``t = (m - k) / (m + k)``, for m up to ``largest``.

    The tail is that of the standard normal distribution, the error relative to it.
    """

    def target(t: mpf) -> mpf:
        m = k * (1 + t) / (1 - t)
        return (m + k) * mp.erfc(m / mp.sqrt(2)) / 2 * mp.exp(m * m / 2)

    def weight(t: mpf) -> mpf:
        return 1 / target(t)

    return fit(target, weight, degree, mpf(-1), (largest - k) / (largest + k), bits)


# Arguments on both sides of every branch of the reference, and results below the normal numbers.
VECTORS: dict[str, tuple[Function, list[float]]] = {
    "expm1": (mp.expm1, [1e-90, -1e-9, 1e-9, 0.3, -0.3, 1.5, -20.25, 300.1]),
    "arctan": (mp.atan, [1e-90, 1e-9, -0.3, 0.41, 0.42, 0.999, 1.001, -2.41, 2.42, 19.5, 1e9, 1e15]),
    "normal_cumulative": (
        mp.ncdf,
        [-38.3, -20.5, -5.01, -4.99, -2.5, -1.0, -1e-9, 1e-9, 0.3, 2.5, 4.99, 8.0],
    ),
    "exp": (mp.exp, [1e-20, 0.3, -0.35, 1.5, -20.25, 700.1, -708.5, -740.3]),
    "log": (
        mp.log,
        [5e-324, 1e-310, 1e-300, 0.2, 0.499, 0.7, 0.999999, 1.0000001, 1.42, 1.99, 2.01, 1e30, 1.7e308],
    ),
    "log1p": (
        mp.log1p,
        [
            1e-30,
            -1e-9,
            1e-9,
            -0.3,
            0.4142,
            0.7,
            -0.99999,
            -0.9999999999999999,
            5.0,
            999.0,
            1001.0,
            1e15,
            1e300,
        ],
    ),
    "tanh": (mp.tanh, [1e-90, -1e-9, 0.1, 0.17, 0.18, 0.55, -3.0, 15.0, 19.5]),
    "logistic": (
        lambda x: 1 / (1 + mp.exp(-x)),
        [-740.3, -101.0, -99.0, -37.5, -1.0, -1e-5, 1e-9, 0.3, 5.0, 36.0, 60.0],
    ),
    "softplus": (
        lambda x: mp.log1p(mp.exp(x)),
        [-740.3, -101.0, -99.0, -37.5, -1.0, -1e-9, 1e-9, -0.88, 0.88, 5.0, 36.0, 60.0],
    ),
}


def vectors(function: Function, arguments: list[float]) -> str:
    """Return rows ``(x, exponent, hi, lo)`` with ``f(x) = (hi + lo) * 2^exponent`` to 106 bits."""
    rows = []
    for x in arguments:
        value = function(mpf(x))
        exponent = int(mp.floor(mp.log(abs(value), 2)))
        hi = mpf(float(mp.ldexp(value, -exponent)))
        lo = mp.ldexp(value, -exponent) - hi
        rows.append(f"    ({literal(mpf(x), 64)}, {exponent}, {literal(hi, 64)}, {literal(lo, 64)}),\n")
    return f"[Vector; {len(rows)}] = [\n{''.join(rows)}];"


def literal(value: mpf, bits: int) -> str:
    """Return the shortest Rust literal that reads back as ``value``."""
    text = repr(float(value))
    if bits == 32:
        texts = (f"{float(value):.{digits}e}" for digits in range(1, 12))
        text = repr(float(next(text for text in texts if rounded(mpf(text), 32) == value)))
    return re.sub(r"e([+-])0*", lambda m: "e" + m[1].replace("+", ""), text)


def array(coefficients: list[mpf], bits: int) -> str:
    """Return a Rust array of f32 or f64."""
    body = "".join(f"    {literal(c, bits)},\n" for c in coefficients)
    return f"[f{bits}; {len(coefficients)}] = [\n{body}];"


def constants() -> list[tuple[str, str, str, mpf | None]]:
    """Return the file, name and Rust source of each constant, and the error of a fit."""
    found: list[tuple[str, str, str, mpf | None]] = []
    # The f of ln(1 + f) lies in [sqrt(1/2) - 1, sqrt(2) - 1], for the softplus in [0, 1].
    narrow, wide = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1), mpf(1) / 3
    for bits, expm1_degree, coth_degree, log_degree, softplus_degree in ((32, 4, 1, 2, 3), (64, 9, 4, 6, 9)):
        rest = rounded(mp.log(2) - rounded(mp.log(2), bits), bits)
        found.append(("exp.rs", f"LN_2_REST_F{bits}", f"f{bits} = {literal(rest, bits)};", None))
        for file, name, (coefficients, error) in (
            ("exp.rs", "EXPM1", expm1_polynomial(expm1_degree, bits)),
            ("exp.rs", "COTH", coth_polynomial(coth_degree, bits)),
            ("log.rs", "LOG", log_polynomial(narrow, log_degree, bits)),
            ("logistic.rs", "LOG1P", log_polynomial(wide, softplus_degree, bits)),
        ):
            found.append((file, f"{name}_F{bits}", array(coefficients, bits), error))
        for file, name, (coefficients, error) in (
            ("arctan.rs", "ATAN", atan_polynomial(4 if bits == 32 else 10, bits)),
            (
                "normal.rs",
                "MILLS",
                mills_polynomial(4, mpf("14.5"), 10, 32)
                if bits == 32
                else mills_polynomial(6, mpf(39), 22, 64),
            ),
        ):
            found.append((file, f"{name}_F{bits}", array(coefficients, bits), error))
    for name, (function, arguments) in VECTORS.items():
        found.append(("reference.rs", name.upper(), vectors(function, arguments), None))
    return found


def main() -> int:
    """Print the constants, or compare them with the Rust files."""
    parser = argparse.ArgumentParser(description="The constants of the Rust files beside this script.")
    parser.add_argument("--check", action="store_true", help="compare with the files instead of printing")
    check = parser.parse_args().check
    folder = pathlib.Path(__file__).parent
    missing = 0

    def squeezed(source: str) -> str:
        return re.sub(r"\s|,(?=\s*[\])])", "", source)

    for file, name, value, error in constants():
        declaration = f"const {name}: {value}"
        comment = f"// {file}" + (f", relative error 2^{float(mp.log(error, 2)):.2f}" if error else "")
        if not check:
            print(comment, declaration, sep="\n")
        elif squeezed(declaration) not in squeezed(folder.joinpath(file).read_text(encoding="utf-8")):
            missing += 1
            print(comment, "does not contain", declaration, sep="\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
