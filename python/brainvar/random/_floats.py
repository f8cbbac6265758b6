"""The samplers of real numbers, as methods."""

from __future__ import annotations

from typing import Any

from brainvar.random import _formulas, _samplers
from brainvar.random._arguments import (
    as_float,
    as_shape,
    check_order,
    check_range,
    check_triangle,
    draw_shape,
    float_dtype,
    non_negative,
    positive,
)
from brainvar.random._base import DrawMethods
from brainvar.random._truncated import truncated_normal

__all__ = ["FloatMethods"]


class FloatMethods(DrawMethods):
    """Samplers whose numbers are real.

    Throughout, `size` is the shape of the result. Without it parameters that are arrays give one
    number for each element of what they broadcast to, and numbers give a 0-d array. `dtype` is
    float32 by default, and float64 under ``jax_enable_x64``.
    """

    def random(
        self, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw numbers uniform in [0, 1).

        Parameters
        ----------
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.

        Returns
        -------
        array of shape `size`
            Bit for bit the same on every platform.
        """
        return self._draw_standard(_samplers.random, size, dtype, key, sharding)

    def random_sample(
        self, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw numbers uniform in [0, 1); the same as `random`."""
        return self._draw_standard(_samplers.random, size, dtype, key, sharding)

    def ranf(
        self, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw numbers uniform in [0, 1); the same as `random`."""
        return self._draw_standard(_samplers.random, size, dtype, key, sharding)

    def sample(
        self, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw numbers uniform in [0, 1); the same as `random`."""
        return self._draw_standard(_samplers.random, size, dtype, key, sharding)

    def rand(self, *dn: int, dtype: Any = None, key: Any = None, sharding: Any = None) -> Any:
        """Draw numbers uniform in [0, 1), with the shape as separate arguments.

        Parameters
        ----------
        *dn : int
            The dimensions of the result; none gives a 0-d array.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        """
        return self._draw_standard(_samplers.random, as_shape(dn), dtype, key, sharding)

    def randn(self, *dn: int, dtype: Any = None, key: Any = None, sharding: Any = None) -> Any:
        """Draw standard normal numbers, with the shape as separate arguments.

        Parameters
        ----------
        *dn : int
            The dimensions of the result; none gives a 0-d array.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        """
        return self._draw_standard(_samplers.standard_normal, as_shape(dn), dtype, key, sharding)

    def uniform(
        self,
        low: Any = 0.0,
        high: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw numbers uniform in [low, high).

        Parameters
        ----------
        low, high : float or array_like of floats
            The bounds. Rounding may give `high` itself.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.

        Raises
        ------
        OverflowError
            If ``high - low`` is not finite in `dtype`.
        """
        if type(low) is float and type(high) is float and low == 0.0 and high == 1.0:
            return self._draw_standard(_samplers.random, size, dtype, key, sharding)
        dtype = float_dtype(dtype)
        bounds = as_float(low, "low", dtype), as_float(high, "high", dtype)
        check_range(low, high, dtype)
        return self._draw(
            _samplers.uniform, draw_shape(size, *bounds), dtype, *bounds, key=key, sharding=sharding
        )

    def standard_normal(
        self, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw normal numbers of mean 0 and standard deviation 1.

        Parameters
        ----------
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        """
        return self._draw_standard(_samplers.standard_normal, size, dtype, key, sharding)

    def normal(
        self,
        loc: Any = 0.0,
        scale: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw normal numbers.

        Parameters
        ----------
        loc : float or array_like of floats
            Mean.
        scale : float or array_like of floats
            Standard deviation, not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.

        Raises
        ------
        ValueError
            If `scale` is negative.
        """
        if type(loc) is float and type(scale) is float and loc == 0.0 and scale == 1.0:
            return self._draw_standard(_samplers.standard_normal, size, dtype, key, sharding)
        return self._draw_floats(
            _samplers.normal,
            size,
            dtype,
            (loc, "loc", None),
            (scale, "scale", non_negative),
            key=key,
            sharding=sharding,
        )

    def standard_exponential(
        self, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw exponential numbers of mean 1.

        Parameters
        ----------
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        """
        return self._draw_standard(_samplers.standard_exponential, size, dtype, key, sharding)

    def exponential(
        self,
        scale: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw exponential numbers.

        Parameters
        ----------
        scale : float or array_like of floats
            Mean, the inverse of the rate; not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.

        Raises
        ------
        ValueError
            If `scale` is negative.
        """
        return self._draw_floats(
            _samplers.exponential,
            size,
            dtype,
            (scale, "scale", non_negative),
            key=key,
            sharding=sharding,
        )

    def triangular(
        self,
        left: Any = 0.0,
        mode: Any = 0.5,
        right: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw numbers in [left, right] whose density is a triangle.

        Parameters
        ----------
        left, mode, right : float or array_like of floats
            Where the density begins, is highest, and ends.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            Unless ``left <= mode <= right`` and ``left < right``.
        """
        dtype = float_dtype(dtype)
        params = (
            as_float(left, "left", dtype),
            as_float(mode, "mode", dtype),
            as_float(right, "right", dtype),
        )
        check_triangle(left, mode, right)
        shape = draw_shape(size, *params)
        return self._draw(_formulas.triangular, shape, dtype, *params, key=key, sharding=sharding)

    def truncated_normal(
        self,
        lower: Any,
        upper: Any,
        size: Any = None,
        loc: Any = 0.0,
        scale: Any = 1.0,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw normal numbers that lie between two bounds.

        Parameters
        ----------
        lower, upper : float or array_like of floats
            The bounds, in the units of the result; ``-inf`` and ``inf`` leave a side open.
        size : int or tuple of ints, optional
            Shape of the result.
        loc, scale : float or array_like of floats
            Mean and standard deviation of the normal distribution before it is cut.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.

        Returns
        -------
        array
            Numbers in the open interval (lower, upper).

        Raises
        ------
        ValueError
            If ``lower >= upper``, or if `scale` is not positive.

        Notes
        -----
        By inversion of the distribution function; bounds in a tail are fine, however far out.
        """
        dtype = float_dtype(dtype)
        params = (
            as_float(lower, "lower", dtype),
            as_float(upper, "upper", dtype),
            as_float(loc, "loc", dtype),
            as_float(scale, "scale", dtype, positive),
        )
        check_order(lower, upper)
        shape = draw_shape(size, *params)
        return self._draw(truncated_normal, shape, dtype, *params, key=key, sharding=sharding)
