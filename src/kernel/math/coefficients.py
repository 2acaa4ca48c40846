#!/usr/bin/env python3
"""Compute the constants of ``src/kernel/math/*.rs`` and the approximation error each set achieves.

Every polynomial is a weighted minimax fit (Remez exchange) in 200-bit arithmetic, its coefficients rounded to the target type
and then moved to neighbouring numbers as long as that helps. The printed error is the error of the rounded constants.

    python coefficients.py           print the Rust constants and the errors
    python coefficients.py --check   exit with 1 unless every constant stands, as printed, in the Rust file it belongs to

Needs mpmath.
"""

import argparse
import pathlib
import re
import struct
import sys
from collections.abc import Callable

from mpmath import atanh, cos, expm1, floor, log, lu_solve, matrix, mp, mpf, pi, polyval, sqrt

mp.prec = 200

STEPS = 400

Function = Callable[[mpf], mpf]

# Below this the closed forms cancel; the first terms of the series are exact to working precision.
SERIES_BELOW = mpf(10) ** -15
# A weight of zero would make the exchange singular.
SMALLEST_WEIGHT = mpf(10) ** -30


def minimax(target: Function, weight: Function, degree: int, low: mpf, high: mpf) -> list[mpf]:
    """Return the polynomial, lowest degree first, with the smallest largest ``weight * |polynomial - target|``."""
    count = degree + 1
    # Equal steps in the angle: the extrema of the error lie nearly so.
    grid = [low + (high - low) * (1 - cos(pi * i / STEPS)) / 2 for i in range(STEPS + 1)]
    targets = [target(x) for x in grid]
    weights = [max(weight(x), SMALLEST_WEIGHT) for x in grid]
    monomials = [[x**power for power in range(count)] for x in grid]
    points = [round(STEPS * (2 * i + 1) / (2 * (count + 1))) for i in range(count + 1)]
    for _ in range(200):
        system, right = matrix(count + 1, count + 1), matrix(count + 1, 1)
        for row, k in enumerate(points):
            for column in range(count):
                system[row, column] = monomials[k][column]
            system[row, count] = (-1) ** row / weights[k]
            right[row] = targets[k]
        solution = lu_solve(system, right)
        coefficients = [solution[j] for j in range(count)]
        levelled = abs(solution[count])
        errors = [
            (sum(c * m for c, m in zip(coefficients, row, strict=True)) - t) * w
            for row, t, w in zip(monomials, targets, weights, strict=True)
        ]
        if max(map(abs, errors)) < levelled * mpf("1.002"):
            return coefficients
        points = exchange(points, errors)
    raise ArithmeticError("the exchange did not converge")


def exchange(points: list[int], errors: list[mpf]) -> list[int]:
    """Return the points with the largest error in the place of a neighbour of the same sign: the signs still alternate."""
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
    step = mpf(2) ** (floor(log(abs(value), 2)) - (52 if bits == 64 else 23))
    return [rounded(value - step, bits), rounded(value + step, bits)]


def fit(target: Function, weight: Function, degree: int, low: mpf, high: mpf, bits: int) -> tuple[list[mpf], mpf]:
    """Return the rounded minimax coefficients, lowest degree first, and their largest weighted error.

    The rounded coefficients are moved to neighbouring numbers as long as that makes the error smaller.
    """
    best = [rounded(c, bits) for c in minimax(target, weight, degree, low, high)]
    grid = [low + (high - low) * mpf(i) / 301 for i in range(302)]
    table = [(x, target(x), weight(x)) for x in grid]

    def error(coefficients: list[mpf]) -> mpf:
        return max(abs(polyval(coefficients[::-1], x) - t) * w for x, t, w in table)

    smallest = error(best)
    moved = True
    while moved:
        moved = False
        for i in range(degree + 1):
            for value in neighbours(best[i], bits):
                trial = [*best[:i], value, *best[i + 1 :]]
                if (trial_error := error(trial)) < smallest:
                    best, smallest, moved = trial, trial_error, True
    return best, smallest


def expm1_polynomial(degree: int, bits: int) -> tuple[list[mpf], mpf]:
    """Q with ``e^r - 1 = r + r^2 Q(r)``, smallest error relative to ``e^r - 1`` on ``|r| <= ln(2) / 2``."""

    def target(r: mpf) -> mpf:
        return (expm1(r) - r) / r**2 if abs(r) > SERIES_BELOW else mpf(1) / 2 + r / 6

    def weight(r: mpf) -> mpf:
        return abs(r**2 / expm1(r)) if r else mpf(0)

    # A little wider than ln(2) / 2: the rounding of x * log2(e) may choose the neighbouring multiple.
    half = log(2) / 2 * mpf("1.001")
    return fit(target, weight, degree, -half, half, bits)


def log_polynomial(largest: mpf, degree: int, bits: int) -> tuple[list[mpf], mpf]:
    """P with ``ln(1 + f) = f - s (f - z P(z))``, ``s = f / (2 + f)``, ``z = s^2``, for s up to ``largest``.

    The error is relative to ``ln(1 + f) = 2 atanh(s)``.
    """

    def target(z: mpf) -> mpf:
        s = sqrt(z)
        return 2 * (atanh(s) / s - 1) / z if z > SERIES_BELOW else mpf(2) / 3 + 2 * z / 5

    def weight(z: mpf) -> mpf:
        s = sqrt(z)
        return z * s / (2 * atanh(s)) if z else mpf(0)

    return fit(target, weight, degree, mpf(0), largest**2, bits)


def literal(value: mpf, bits: int) -> str:
    """Return the shortest Rust literal that reads back as ``value``."""
    if bits == 64:
        text = repr(float(value))
    else:
        text = next(t for p in range(1, 12) if rounded(mpf(t := f"{float(value):.{p}e}"), 32) == value)
        text = repr(float(text))
    return re.sub(r"e([+-])0*", lambda m: "e" + m[1].replace("+", ""), text)


def constants() -> dict[str, dict[str, str]]:
    """Return, for each Rust file, its constants by name as Rust source, with the error in a key of its own."""
    files: dict[str, dict[str, str]] = {"exp.rs": {}, "log.rs": {}, "logistic.rs": {}}
    # ln on [sqrt(1/2), sqrt(2)], and ln(1 + f) for the f in [0, 1] that the softplus needs.
    narrow, wide = (sqrt(2) - 1) / (sqrt(2) + 1), mpf(1) / 3
    for bits, expm1_degree, log_degree, softplus_degree in ((32, 4, 2, 3), (64, 9, 6, 9)):
        kind = f"f{bits}"
        high = rounded(log(2), bits)
        low = rounded(log(2) - high, bits)
        for name, value in (("LN2_HI", high), ("LN2_LO", low), ("LOG2_E", rounded(1 / log(2), bits))):
            files["exp.rs"][f"{name}_{kind.upper()}"] = f"{kind} = {literal(value, bits)};"
        for file, name, (coefficients, error) in (
            ("exp.rs", "EXPM1", expm1_polynomial(expm1_degree, bits)),
            ("log.rs", "LOG", log_polynomial(narrow, log_degree, bits)),
            ("logistic.rs", "SOFTPLUS", log_polynomial(wide, softplus_degree, bits)),
        ):
            body = "".join(f"    {literal(c, bits)},\n" for c in coefficients)
            files[file][f"{name}_{kind.upper()}"] = f"[{kind}; {len(coefficients)}] = [\n{body}];"
            print(f"// {file}: {name}_{kind.upper()}, relative error 2^{float(log(error, 2)):.2f}")
    return files


def main() -> int:
    """Print the constants, or compare them with the Rust files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the Rust files instead of printing")
    check = parser.parse_args().check
    differing = 0
    for file, entries in constants().items():
        source = pathlib.Path(__file__).with_name(file).read_text(encoding="utf-8") if check else ""
        squeezed = re.sub(r"[\s]+|,(?=\s*\])", "", source)
        for name, value in entries.items():
            declaration = f"const {name}: {value}"
            if not check:
                print(declaration)
            elif re.sub(r"[\s]+|,(?=\s*\])", "", declaration) not in squeezed:
                differing += 1
                print(f"{file} does not have\n{declaration}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
