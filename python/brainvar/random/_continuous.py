"""The samplers of real numbers by formula, as methods."""

from __future__ import annotations

from typing import Any

from brainvar.random import _formulas
from brainvar.random._arguments import non_negative, positive
from brainvar.random._base import DrawMethods

__all__ = ["ContinuousMethods"]


class ContinuousMethods(DrawMethods):
    """Samplers that are formulas of a uniform or normal number, a few of two or three.

    `size`, `dtype`, `key` and `sharding` are as in `FloatMethods`.
    """

    def laplace(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw Laplace (double exponential) numbers.

        Parameters
        ----------
        loc : float or array_like of floats
            Mean.
        scale : float or array_like of floats
            Decay length of both sides; not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `scale` is negative.
        """
        return self._draw_floats(
            _formulas.laplace,
            size,
            dtype,
            (loc, "loc", None),
            (scale, "scale", non_negative),
            key=key,
            sharding=sharding,
        )

    def logistic(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw logistic numbers.

        Parameters
        ----------
        loc : float or array_like of floats
            Mean.
        scale : float or array_like of floats
            Scale; the standard deviation is ``scale * pi / sqrt(3)``. Not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `scale` is negative.
        """
        return self._draw_floats(
            _formulas.logistic,
            size,
            dtype,
            (loc, "loc", None),
            (scale, "scale", non_negative),
            key=key,
            sharding=sharding,
        )

    def gumbel(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw Gumbel numbers, of the distribution of largest values.

        Parameters
        ----------
        loc : float or array_like of floats
            Mode.
        scale : float or array_like of floats
            Scale, not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `scale` is negative.
        """
        return self._draw_floats(
            _formulas.gumbel,
            size,
            dtype,
            (loc, "loc", None),
            (scale, "scale", non_negative),
            key=key,
            sharding=sharding,
        )

    def lognormal(
        self,
        mean: Any = 0.0,
        sigma: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw numbers whose logarithm is normal.

        Parameters
        ----------
        mean : float or array_like of floats
            Mean of the logarithm.
        sigma : float or array_like of floats
            Standard deviation of the logarithm, not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `sigma` is negative.
        """
        return self._draw_floats(
            _formulas.lognormal,
            size,
            dtype,
            (mean, "mean", None),
            (sigma, "sigma", non_negative),
            key=key,
            sharding=sharding,
        )

    def pareto(
        self,
        a: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw Pareto II (Lomax) numbers, which begin at 0.

        Parameters
        ----------
        a : float or array_like of floats
            Shape, positive: the chance of more than x is ``(1 + x)**-a``.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `a` is not positive.

        Notes
        -----
        The classical Pareto numbers with scale m, as those of `jax.random.pareto`, are
        ``m * (1 + pareto(a))``.
        """
        return self._draw_floats(
            _formulas.pareto, size, dtype, (a, "a", positive), key=key, sharding=sharding
        )

    def power(
        self,
        a: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw numbers in [0, 1] whose density is ``a * x**(a - 1)``.

        Parameters
        ----------
        a : float or array_like of floats
            Shape, positive.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `a` is not positive.
        """
        return self._draw_floats(
            _formulas.power, size, dtype, (a, "a", positive), key=key, sharding=sharding
        )

    def rayleigh(
        self,
        scale: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw Rayleigh numbers: lengths of vectors of two normal numbers.

        Parameters
        ----------
        scale : float or array_like of floats
            Mode, the standard deviation of both; not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `scale` is negative.
        """
        return self._draw_floats(
            _formulas.rayleigh,
            size,
            dtype,
            (scale, "scale", non_negative),
            key=key,
            sharding=sharding,
        )

    def weibull(
        self,
        a: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw Weibull numbers of scale 1: ``(-log(1 - u))**(1 / a)``.

        Parameters
        ----------
        a : float or array_like of floats
            Shape, not negative; at 0 all numbers are 0.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `a` is negative.
        """
        return self._draw_floats(
            _formulas.weibull, size, dtype, (a, "a", non_negative), key=key, sharding=sharding
        )

    def standard_cauchy(
        self,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw Cauchy numbers with mode 0 and scale 1.

        Parameters
        ----------
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.
        """
        return self._draw_standard(_formulas.standard_cauchy, size, dtype, key, sharding)

    def cauchy(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw Cauchy numbers.

        Parameters
        ----------
        loc : float or array_like of floats
            Mode and median.
        scale : float or array_like of floats
            Half of the distance between the quartiles, not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `scale` is negative.
        """
        return self._draw_floats(
            _formulas.cauchy,
            size,
            dtype,
            (loc, "loc", None),
            (scale, "scale", non_negative),
            key=key,
            sharding=sharding,
        )

    def wald(
        self,
        mean: Any,
        scale: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw Wald (inverse Gaussian) numbers.

        Parameters
        ----------
        mean : float or array_like of floats
            Mean, positive.
        scale : float or array_like of floats
            Shape, positive.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `mean` is not positive or `scale` is not positive.

        Notes
        -----
        By the method of Michael, Schucany and Haas (1976, *The American Statistician* 30, 88-90),
        from a normal and a uniform number each.
        """
        return self._draw_floats(
            _formulas.wald,
            size,
            dtype,
            (mean, "mean", positive),
            (scale, "scale", positive),
            key=key,
            sharding=sharding,
        )

    def maxwell(
        self,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw Maxwell numbers: lengths of vectors of three standard normal numbers.

        Parameters
        ----------
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.
        """
        return self._draw_standard(_formulas.maxwell, size, dtype, key, sharding)

    def weibull_min(
        self,
        a: Any,
        scale: Any = None,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw Weibull numbers with a scale: ``scale * weibull(a)``.

        Parameters
        ----------
        a : float or array_like of floats
            Shape, not negative; at 0 all numbers are 0.
        scale : float or array_like of floats, optional
            Scale, not negative; 1 if it is not given.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `a` or `scale` is negative.
        """
        scale = 1.0 if scale is None else scale
        return self._draw_floats(
            _formulas.weibull_min,
            size,
            dtype,
            (a, "a", non_negative),
            (scale, "scale", non_negative),
            key=key,
            sharding=sharding,
        )
