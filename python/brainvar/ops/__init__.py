"""Stateless operations on raw arrays: Threefry keys and samples, events, updates in place.

One JAX primitive per kernel; the compiled kernel where it is loaded, its pure-JAX twin
elsewhere, with the same results. Everything works eagerly and under ``jit``, ``vmap``, ``grad``
and ``scan``. The classes of the package are built on these functions; they are also usable
alone, with raw keys ``uint32[..., 2]``.
"""

from brainvar.ops._composites import integers as integers
from brainvar.ops._composites import randint as randint
from brainvar.ops._composites import seed_to_key as seed_to_key
from brainvar.ops._events import add_events as add_events
from brainvar.ops._events import add_events_csr as add_events_csr
from brainvar.ops._order import in_order as in_order
from brainvar.ops._orders import gather_slices as gather_slices
from brainvar.ops._orders import permutation_indices as permutation_indices
from brainvar.ops._orders import random_orders as random_orders
from brainvar.ops._orders import shuffle as shuffle
from brainvar.ops._rejection import binomial as binomial
from brainvar.ops._rejection import gamma as gamma
from brainvar.ops._rejection import poisson as poisson
from brainvar.ops._rejection_more import hypergeometric as hypergeometric
from brainvar.ops._rejection_more import vonmises as vonmises
from brainvar.ops._rejection_more import zipf as zipf
from brainvar.ops._sampling import advance as advance
from brainvar.ops._sampling import advance_bits as advance_bits
from brainvar.ops._sampling import advance_normal as advance_normal
from brainvar.ops._sampling import advance_uniform as advance_uniform
from brainvar.ops._sampling import bits as bits
from brainvar.ops._sampling import fold_in as fold_in
from brainvar.ops._sampling import normal as normal
from brainvar.ops._sampling import split as split
from brainvar.ops._sampling import uniform as uniform
from brainvar.ops._updates import encode_spec as encode_spec
from brainvar.ops._updates import update_at as update_at
from brainvar.ops._updates import update_masked as update_masked
from brainvar.ops._updates import update_slices as update_slices

__all__ = [
    "add_events",
    "add_events_csr",
    "advance",
    "advance_bits",
    "advance_normal",
    "advance_uniform",
    "binomial",
    "bits",
    "encode_spec",
    "fold_in",
    "gather_slices",
    "gamma",
    "hypergeometric",
    "in_order",
    "integers",
    "normal",
    "permutation_indices",
    "poisson",
    "randint",
    "random_orders",
    "seed_to_key",
    "shuffle",
    "split",
    "uniform",
    "update_at",
    "update_masked",
    "update_slices",
    "vonmises",
    "zipf",
]
