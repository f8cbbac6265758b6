"""The samplers as functions of a module, on the module's own RandomState."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from brainvar._compat import at_top_level
from brainvar.core.tracking import local

__all__ = ["FUNCTIONS", "DefaultState", "hand_on_default", "module_functions"]

FUNCTIONS = (
    "backup_key",
    "bernoulli",
    "beta",
    "binomial",
    "bytes",
    "categorical",
    "cauchy",
    "chisquare",
    "choice",
    "clone_rng",
    "default_rng",
    "dirichlet",
    "exponential",
    "f",
    "gamma",
    "geometric",
    "get_key",
    "get_key_data",
    "get_state",
    "gumbel",
    "hypergeometric",
    "laplace",
    "loggamma",
    "logistic",
    "lognormal",
    "logseries",
    "maxwell",
    "multinomial",
    "multivariate_normal",
    "negative_binomial",
    "noncentral_chisquare",
    "noncentral_f",
    "normal",
    "orthogonal",
    "pareto",
    "permutation",
    "poisson",
    "power",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "random",
    "random_integers",
    "random_sample",
    "ranf",
    "rayleigh",
    "restore_key",
    "sample",
    "seed",
    "seed_context",
    "self_assign_multi_keys",
    "set_key",
    "set_state",
    "shuffle",
    "split_key",
    "split_keys",
    "standard_cauchy",
    "standard_exponential",
    "standard_gamma",
    "standard_normal",
    "standard_t",
    "t",
    "tomaxint",
    "triangular",
    "truncated_normal",
    "uniform",
    "vonmises",
    "wald",
    "weibull",
    "weibull_min",
    "zipf",
)
"""The methods of RandomState that are functions of the module too."""


class DefaultState:
    """Gives the RandomState that a module's functions draw from, made when it is first needed.

    Importing must neither start a JAX backend nor take entropy, so ``DEFAULT`` cannot be there
    from the start. Afterwards it is an attribute of the module like any other.

    Parameters
    ----------
    namespace : dict
        ``globals()`` of the module.
    make : callable
        The class of the state.
    """

    def __init__(self, namespace: dict[str, Any], make: Callable[[], Any]):
        self._namespace = namespace
        self._make = make
        self._lock = threading.Lock()

    def __call__(self) -> Any:
        state = self._namespace.get("DEFAULT")
        if state is not None:
            return state
        with self._lock:
            if "DEFAULT" not in self._namespace:  # no other thread was faster
                self._namespace["DEFAULT"] = self._create()
            return self._namespace["DEFAULT"]

    def _create(self) -> Any:
        if local.frame is None and at_top_level():
            return self._make()
        # First needed inside a transform, where a new Variable would live only as long as the
        # trace. Traces belong to a thread: another one is outside of them.
        made: list[Any] = []
        thread = threading.Thread(target=lambda: made.append(self._make()))
        thread.start()
        thread.join()
        return made[0]


def hand_on_default(name: str, target: Callable[[], ModuleType]) -> None:
    """Make an assignment to ``DEFAULT`` of a module one to that of another module.

    For a module that shows another one's names: by itself the assignment would only hide that.

    Parameters
    ----------
    name : str
        The name of the module.
    target : callable
        Gives the other module.
    """

    class Module(ModuleType):
        def __setattr__(self, attribute: str, value: Any) -> None:
            if attribute == "DEFAULT":
                setattr(target(), attribute, value)
            else:
                super().__setattr__(attribute, value)

        def __delattr__(self, attribute: str) -> None:
            if attribute == "DEFAULT":
                delattr(target(), attribute)
            else:
                super().__delattr__(attribute)

    sys.modules[name].__class__ = Module


def module_functions(
    default: Callable[[], Any], cls: type, module: str
) -> dict[str, Callable[..., Any]]:
    """Make the functions of a module.

    Parameters
    ----------
    default : callable
        Gives the state to draw from.
    cls : type
        Its class: signatures and documentation are taken from its methods.
    module : str
        The name of the module.
    """
    return {name: _function(name, default, getattr(cls, name), module) for name in FUNCTIONS}


def _function(
    name: str, default: Callable[[], Any], method: Callable[..., Any], module: str
) -> Callable[..., Any]:
    call = functools.wraps(method)(
        lambda *args, **kwargs: getattr(default(), name)(*args, **kwargs)
    )
    del call.__wrapped__  # it has `self`
    signature = inspect.signature(method)
    parameters = list(signature.parameters.values())[1:]
    call.__signature__ = signature.replace(parameters=parameters)  # pyright: ignore[reportAttributeAccessIssue]
    call.__module__, call.__qualname__, call.__name__ = module, name, name
    return call
