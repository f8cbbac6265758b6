"""Fit Mills' ratio of the normal distribution, and print the coefficients.

Run as ``python tools/fit_mills.py`` (needs SciPy); what it prints stands in
python/brainvar/random/_truncated.py. With R(x) = (1 - Phi(x)) / phi(x), c = 1 / R(0) and
s = 4 / (2 + x) - 1, which maps x >= 0 on (-1, 1],

    log((x + c) R(x)) = g(s)

is smooth and 0 at both ends. Its Chebyshev series has 28 terms to 1e-15, and 12 to 5e-8; as
polynomials in s their coefficients stay so small that nothing is lost.
"""

import numpy as np
from numpy.polynomial import chebyshev
from scipy.special import erfcx

TERMS = {"SINGLE": 12, "DOUBLE": 28}


def smooth(s: np.ndarray) -> np.ndarray:
    """Return g at the points s in (-1, 1]."""
    x = 4 / (1 + s) - 2
    mills = np.sqrt(np.pi / 2) * erfcx(x / np.sqrt(2))
    return np.log(mills * (x + np.sqrt(2 / np.pi)))


if __name__ == "__main__":
    series = chebyshev.chebinterpolate(smooth, 60)
    for name, terms in TERMS.items():
        print(f"_{name} = (")
        for coefficient in chebyshev.cheb2poly(series[:terms]):
            print(f"    {coefficient:.17g},")
        print(")")
