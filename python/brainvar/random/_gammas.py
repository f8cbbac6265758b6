"""The samplers of gamma numbers, and of what is made of them, as methods."""

from __future__ import annotations

from typing import Any

from brainvar.random import _rejections
from brainvar.random._arguments import (
    as_float,
    as_shape,
    float_dtype,
    non_negative,
    positive,
)
from brainvar.random._base import DrawMethods

__all__ = ["GammaMethods"]


class GammaMethods(DrawMethods):
    """Samplers of real numbers that reject, and those made of them.

    `size`, `dtype`, `key` and `sharding` are as in `FloatMethods`.
    """

    def standard_gamma(
        self,
        shape: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw gamma numbers of scale 1.

        Parameters
        ----------
        shape : float or array_like of floats
            Shape parameter, not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `shape` is negative.

        Notes
        -----
        By the method of Marsaglia and Tsang (2000). Inside `grad` the numbers are differentiable
        with respect to `shape`. Below a `shape` of about 0.01 many of them are smaller than any
        float: `loggamma` draws their logarithms.
        """
        return self._draw_floats(
            _rejections.standard_gamma,
            size,
            dtype,
            (shape, "shape", non_negative),
            key=key,
            sharding=sharding,
        )

    def gamma(
        self,
        shape: Any,
        scale: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw gamma numbers.

        Parameters
        ----------
        shape : float or array_like of floats
            Shape parameter, not negative.
        scale : float or array_like of floats
            Factor of all numbers; not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `shape` or `scale` is negative.

        Notes
        -----
        See `standard_gamma`.
        """
        return self._draw_floats(
            _rejections.gamma,
            size,
            dtype,
            (shape, "shape", non_negative),
            (scale, "scale", non_negative),
            key=key,
            sharding=sharding,
        )

    def loggamma(
        self,
        a: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw the logarithms of gamma numbers of scale 1.

        Parameters
        ----------
        a : float or array_like of floats
            Shape parameter of the gamma numbers, not negative.
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

        Notes
        -----
        The logarithms of what `standard_gamma` draws, for any `a` however small.
        """
        return self._draw_floats(
            _rejections.loggamma,
            size,
            dtype,
            (a, "a", non_negative),
            key=key,
            sharding=sharding,
        )

    def beta(
        self,
        a: Any,
        b: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw beta numbers.

        Parameters
        ----------
        a, b : float or array_like of floats
            Shape parameters, positive.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `a` or `b` is not positive.
        """
        return self._draw_floats(
            _rejections.beta,
            size,
            dtype,
            (a, "a", positive),
            (b, "b", positive),
            key=key,
            sharding=sharding,
        )

    def chisquare(
        self,
        df: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw chi-square numbers.

        Parameters
        ----------
        df : float or array_like of floats
            Degrees of freedom, positive.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `df` is not positive.
        """
        return self._draw_floats(
            _rejections.chisquare,
            size,
            dtype,
            (df, "df", positive),
            key=key,
            sharding=sharding,
        )

    def f(
        self,
        dfnum: Any,
        dfden: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw from the F distribution.

        Parameters
        ----------
        dfnum, dfden : float or array_like of floats
            Degrees of freedom of numerator and denominator, positive.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `dfnum` or `dfden` is not positive.
        """
        return self._draw_floats(
            _rejections.f,
            size,
            dtype,
            (dfnum, "dfnum", positive),
            (dfden, "dfden", positive),
            key=key,
            sharding=sharding,
        )

    def standard_t(
        self,
        df: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw from Student's t distribution.

        Parameters
        ----------
        df : float or array_like of floats
            Degrees of freedom, positive.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `df` is not positive.
        """
        return self._draw_floats(
            _rejections.standard_t,
            size,
            dtype,
            (df, "df", positive),
            key=key,
            sharding=sharding,
        )

    def t(
        self,
        df: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw from Student's t distribution; the same as `standard_t`."""
        return self.standard_t(df, size, dtype=dtype, key=key, sharding=sharding)

    def noncentral_chisquare(
        self,
        df: Any,
        nonc: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw noncentral chi-square numbers.

        Parameters
        ----------
        df : float or array_like of floats
            Degrees of freedom, positive.
        nonc : float or array_like of floats
            Noncentrality, the sum of the squared means; not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `df` is not positive, or `nonc` negative.
        """
        return self._draw_floats(
            _rejections.noncentral_chisquare,
            size,
            dtype,
            (df, "df", positive),
            (nonc, "nonc", non_negative),
            key=key,
            sharding=sharding,
        )

    def noncentral_f(
        self,
        dfnum: Any,
        dfden: Any,
        nonc: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw from the noncentral F distribution.

        Parameters
        ----------
        dfnum, dfden : float or array_like of floats
            Degrees of freedom of numerator and denominator, positive.
        nonc : float or array_like of floats
            Noncentrality of the numerator, not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            If `dfnum` or `dfden` is not positive, or `nonc` negative.
        """
        return self._draw_floats(
            _rejections.noncentral_f,
            size,
            dtype,
            (dfnum, "dfnum", positive),
            (dfden, "dfden", positive),
            (nonc, "nonc", non_negative),
            key=key,
            sharding=sharding,
        )

    def vonmises(
        self,
        mu: Any,
        kappa: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw angles from the von Mises distribution.

        Parameters
        ----------
        mu : float or array_like of floats
            Mode, in radians.
        kappa : float or array_like of floats
            Concentration, not negative; 0 is uniform.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array
            Radians, in [-pi, pi].

        Raises
        ------
        ValueError
            If `kappa` is negative.

        Notes
        -----
        By the method of Best and Fisher (1979).
        """
        return self._draw_floats(
            _rejections.vonmises,
            size,
            dtype,
            (mu, "mu", None),
            (kappa, "kappa", non_negative),
            key=key,
            sharding=sharding,
        )

    def dirichlet(
        self,
        alpha: Any,
        size: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw vectors of positive numbers whose sum is 1.

        Parameters
        ----------
        alpha : array_like of floats, shape (k,)
            Shape parameters, positive.
        size : int or tuple of ints, optional
            How many vectors, as a shape; one without it.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of shape (*size, k)

        Raises
        ------
        TypeError
            If `alpha` is a number.
        ValueError
            If an element of `alpha` is not positive, or it has several dimensions.
        """
        dtype = float_dtype(dtype)
        alpha = as_float(alpha, "alpha", dtype, positive)
        if not alpha.ndim:
            raise TypeError("alpha must be a 1-d array of shape parameters, got a number")
        if alpha.ndim > 1:
            raise ValueError(f"alpha must be a 1-d array, got one of shape {alpha.shape}")
        shape = (*as_shape(size), *alpha.shape)
        return self._draw(_rejections.dirichlet, shape, dtype, alpha, key=key, sharding=sharding)
