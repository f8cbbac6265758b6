"""On which devices a draw is made: the `sharding` argument of the samplers."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec, Sharding

from brainvar._compat import Tracer, at_top_level

__all__ = ["check_sharding", "placed"]


def check_sharding(sharding: Any, shape: tuple[int, ...], *params: Any) -> None:
    """Check that a sample of `shape`, drawn with these operands, can have a sharding.

    Raises
    ------
    TypeError
        If it is no sharding.
    ValueError
        If it has more dimensions than the sample, or does not divide them evenly; or if an operand
        is committed to other devices.
    """
    if not isinstance(sharding, Sharding):
        raise TypeError(
            "sharding must be a jax.sharding.Sharding, such as NamedSharding(mesh, "
            f"PartitionSpec('x')), got {sharding!r}"
        )
    if isinstance(sharding, NamedSharding) and len(sharding.spec) > len(shape):
        raise ValueError(
            f"sharding: a sample of shape {shape} has fewer dimensions than {sharding.spec} names"
        )
    try:
        sharding.shard_shape(shape)
    except (ValueError, IndexError) as error:
        raise ValueError(f"sharding: a sample of shape {shape} cannot have it: {error}") from None
    if at_top_level():
        for x in params:
            _check_devices(sharding, x)


def _check_devices(sharding: Sharding, x: Any) -> None:
    if not isinstance(x, jax.Array) or isinstance(x, Tracer) or not x.committed:
        return
    if not sharding.is_fully_addressable and x.is_fully_addressable:
        return  # it is taken by its value, see `placed`
    if x.sharding.device_set != sharding.device_set:
        raise ValueError(
            f"sharding: a parameter of shape {x.shape} is committed to other devices, "
            f"{sorted(d.id for d in x.sharding.device_set)}: move it with jax.device_put(x, ...)"
        )


def placed(sharding: Any, key: Any, *params: Any) -> tuple[Any, ...]:
    """Return the operands of a draw where a program on the devices of a sharding can use them.

    A key is an array of one device, and may be committed to it. Where a mesh spans several
    processes each of them has a key of its own, with the same value.

    Parameters
    ----------
    sharding : jax.sharding.Sharding or None
        None, and every sharding within a trace, leaves the operands as they are.
    key : raw key
        uint32[2].
    *params : array
        The other operands. JAX brings them to the devices, unless they are committed to others.
    """
    if sharding is None or not at_top_level() or isinstance(key, Tracer):
        return key, *params
    if not sharding.is_fully_addressable:
        # As values of the host, which are taken to be the same in every process.
        return tuple(_local_value(x) for x in (key, *params))
    if isinstance(sharding, NamedSharding):
        # Without a wait for the key's value.
        return jax.device_put(key, NamedSharding(sharding.mesh, PartitionSpec())), *params
    return np.asarray(key), *params


def _local_value(x: Any) -> Any:
    return np.asarray(x) if isinstance(x, jax.Array) and x.is_fully_addressable else x
