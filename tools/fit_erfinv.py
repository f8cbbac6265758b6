"""Fit the polynomials of the normal quantile and write them for C++ and for Python.

Run as ``python tools/fit_erfinv.py`` (needs mpmath); it writes csrc/core/erfinv_coefficients.h and
python/brainvar/ops/_quantile_coefficients.py. With w = -log(1 - u**2), the normal quantile is

    sqrt(2) * erfinv(u) = u * q(w),

and q is smooth: near 0 it is a polynomial in w, further out one in sqrt(w). Each polynomial
minimises the largest relative error over its interval (Remez exchange in 40 digits). The logarithm
is log(m) = 2 * atanh(s) with s = (m - 1) / (m + 1), m in [sqrt(1/2), sqrt(2)], of which the series
after the first term, s**3 * r(s**2), is fitted for its largest absolute error.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import mpmath as mp

mp.mp.dps = 40

# The intervals: up to which w, and about which w or sqrt(w) to expand. The last end is the w of the
# largest |u| that a sample can have, 1 - 2**-24 (float) and 1 - 2**-53 (double). A middle below
# the interval's own costs nothing in the fit and keeps the rounding errors small where q is small.
CENTRE = {"Float": (5.0, 1.0), "Double": (4.5, 1.0)}
TAILS = {"Float": ((15.95, 2.6),), "Double": ((13.0, 2.86), (36.05, 4.8))}
DEGREE = {"Float": 9, "Double": 20}
LOG_DEGREE = {"Float": 2, "Double": 6}
DIGITS = {"Float": 9, "Double": 17}


@cache
def quantile_over_u(w):
    """q(w) = sqrt(2) * erfinv(u) / u for u = sqrt(1 - exp(-w)), by Halley's iteration."""
    if w == 0:
        return mp.sqrt(mp.pi / 2)
    u = mp.sqrt(-mp.expm1(-w))
    if w < 1:
        return mp.sqrt(2) * mp.erfinv(u) / u
    upper = mp.exp(-w) / (1 + u)  # 1 - u without cancellation
    z = mp.sqrt(2 * w)
    for _ in range(100):
        density = -mp.sqrt(2 / mp.pi) * mp.exp(-z * z / 2)
        step = (mp.erfc(z / mp.sqrt(2)) - upper) / density
        step /= 1 + step * z / 2
        z -= step
        if abs(step) < mp.mpf(10) ** (5 - mp.mp.dps):
            return z / u
    raise ArithmeticError(f"no convergence at w = {w}")


def log_series(z):
    """r(z) with 2 * atanh(s) = 2 * s + s * z * r(z), z = s**2."""
    return sum(2 * z**k / (2 * k + 3) for k in range(60))


def remez(function, low, high, degree, weight):
    """Return the polynomial (lowest coefficient first) of least max |weight * (p - f)|."""
    low, high = mp.mpf(low), mp.mpf(high)
    count = degree + 2
    middle, radius = (low + high) / 2, (high - low) / 2
    points = [middle - radius * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]
    grid = [middle - radius * mp.cos(mp.pi * i / (24 * count)) for i in range(24 * count + 1)]
    values = [function(x) for x in grid]
    weights = [weight(v) for v in values]
    for _ in range(12):
        rows, right = mp.matrix(count, count), mp.matrix(count, 1)
        for i, x in enumerate(points):
            value = function(x)
            for j in range(degree + 1):
                rows[i, j] = x**j
            rows[i, degree + 1] = (-1) ** i / weight(value)
            right[i] = value
        solution = mp.lu_solve(rows, right)
        coefficients = [solution[j] for j in range(degree + 1)]
        errors = [
            k * (mp.polyval(coefficients[::-1], x) - v)
            for x, v, k in zip(grid, values, weights, strict=True)
        ]
        # One extremum of each run of equal sign; the surplus of the smaller end is dropped.
        extrema = []
        for i, error in enumerate(errors):
            if extrema and (errors[extrema[-1]] > 0) == (error > 0):
                if abs(error) > abs(errors[extrema[-1]]):
                    extrema[-1] = i
            else:
                extrema.append(i)
        while len(extrema) > count:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        if len(extrema) < count:
            raise ArithmeticError("the exchange lost an extremum")
        points = [grid[i] for i in extrema]
        largest = max(abs(e) for e in errors)
        if largest < abs(solution[degree + 1]) * mp.mpf("1.01"):
            break
    return coefficients, largest


def rounded(value, kind):
    """`value` rounded to the type `kind`."""
    with mp.workprec(24 if kind == "Float" else 53):
        return +value


def good_middle(function, near, kind):
    """Find a middle close to `near` at which the function is almost a number of the type `kind`.

    The first coefficient is the function's value there. Its rounding is the one error of the
    coefficients that shows in the result, so it is chosen away.
    """
    near = mp.mpf(near)
    middle = mp.findroot(lambda x: function(x) - rounded(function(near), kind), near)
    return rounded(middle, kind)


def literal(value, kind):
    """Return the number nearest to `value` in the type `kind`, as C++ and Python write it."""
    return mp.nstr(value, DIGITS[kind], strip_zeros=False, min_fixed=-3, max_fixed=3)


class Polynomial(NamedTuple):
    """A fitted polynomial in x - middle, lowest coefficient first."""

    name: str
    comment: str
    coefficients: list[str]
    middle: str | None

    def as_cpp(self, suffix):
        """Return macros that expand to the coefficients and to the middle."""
        body = ", \\\n  ".join(c + suffix for c in self.coefficients)
        text = f"// {self.comment}\n#define BRAINVAR_{self.name} \\\n  {body}\n"
        if self.middle is not None:
            text += f"\n#define BRAINVAR_{self.name}_MIDDLE {self.middle}{suffix}\n"
        return text

    def as_python(self):
        """Return assignments of the coefficients and of the middle."""
        body = "".join(f"    {c},\n" for c in self.coefficients)
        text = f"# {self.comment}\n{self.name} = (\n{body})\n"
        if self.middle is not None:
            text += f"{self.name}_MIDDLE = {self.middle}\n"
        return text


def fit(kind):
    """Return all the polynomials of one type."""
    found = []

    def add(label, comment, function, low, high, degree, relative, near=None):
        middle = mp.mpf(0) if near is None else good_middle(function, near, kind)
        weight = (lambda v: 1 / v) if relative else (lambda v: mp.mpf(1))
        coefficients, error = remez(
            lambda x: function(x + middle), low - middle, high - middle, degree, weight
        )
        size = "relative" if relative else "absolute"
        found.append(
            Polynomial(
                name=f"{kind.upper()}_{label}",
                comment=f"{comment} Largest {size} error of the fit: "
                f"2^{mp.nstr(mp.log(error, 2), 4)}.",
                coefficients=[literal(c, kind) for c in coefficients],
                middle=None if near is None else literal(middle, kind),
            )
        )

    end, near = CENTRE[kind]
    add(
        "CENTRE", f"q in w - MIDDLE, for w < {end}.",
        quantile_over_u, 0, end, DEGREE[kind], relative=True, near=near,
    )  # fmt: skip
    for i, (next_end, near) in enumerate(TAILS[kind]):
        add(
            f"TAIL{i}", f"q in sqrt(w) - MIDDLE, for w from {end} to {next_end}.",
            lambda s: quantile_over_u(s * s), mp.sqrt(end), mp.sqrt(next_end),
            DEGREE[kind], relative=True, near=near,
        )  # fmt: skip
        end = next_end
    bound = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2
    add(
        "LOG", "r in s^2: log(m) = 2 s + s^3 r(s^2).",
        log_series, 0, bound, LOG_DEGREE[kind], relative=False,
    )  # fmt: skip
    return found


def main():
    """Write both files."""
    root = Path(__file__).parents[1]
    fitted = {"f": fit("Float"), "": fit("Double")}
    cpp = "\n".join(p.as_cpp(suffix) for suffix, group in fitted.items() for p in group)
    (root / "csrc/core/erfinv_coefficients.h").write_text(
        "// Written by tools/fit_erfinv.py; do not edit. Coefficients lowest first.\n"
        "#ifndef BRAINVAR_CORE_ERFINV_COEFFICIENTS_H_\n"
        "#define BRAINVAR_CORE_ERFINV_COEFFICIENTS_H_\n\n"
        "// clang-format off\n\n"
        f"{cpp}\n"
        "// clang-format on\n\n"
        "#endif  // BRAINVAR_CORE_ERFINV_COEFFICIENTS_H_\n"
    )
    python = "\n".join(p.as_python() for group in fitted.values() for p in group)
    (root / "python/brainvar/ops/_quantile_coefficients.py").write_text(
        f'"""Written by tools/fit_erfinv.py; do not edit. Coefficients lowest first."""\n\n{python}'
    )


if __name__ == "__main__":
    main()
