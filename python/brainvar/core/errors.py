"""The exceptions that brainvar raises where no built-in one says enough."""


class BrainvarError(Exception):
    """Base class of the errors below; catches none of Python's own."""


class StaticChangeError(BrainvarError, TypeError):
    """Something that is compiled as static data was changed inside a transform.

    A compiled function runs its Python code once. An array that is no ``Variable`` is a constant
    of the compiled program, so changing it there would happen once, or never.
    """


class RawTransformError(BrainvarError, RuntimeError):
    """A Variable was changed inside a JAX transform that does not know about Variables.

    ``jax.jit``, ``jax.vmap``, ``jax.grad``, ``jax.lax.scan`` and the like trace a function with
    abstract values. Stored in a Variable, such a value would outlive its trace.
    """


class EscapedVariableError(BrainvarError, RuntimeError):
    """A Variable that was made inside a compiled function is used after that function ended."""


class LostValueError(BrainvarError, RuntimeError):
    """A Variable is used whose buffer went with a call that failed.

    A compiled program may write into the buffers of its Variables. Where it fails after that has
    begun, what they held is gone; a new value can be assigned.
    """


class CopyError(BrainvarError, RuntimeError):
    """A write would have copied a Variable's buffer, which ``bm.on_copy('error')`` forbids."""


class CopyWarning(UserWarning):
    """A write copied a Variable's buffer, which ``bm.on_copy('warn')`` reports."""


class KeyReuseError(BrainvarError, RuntimeError):
    """A key would be used twice, which ``bm.random.trace(..., on_reuse='error')`` forbids."""


class KeyReuseWarning(UserWarning):
    """A key was used twice, which ``bm.random.trace(..., on_reuse='warn')`` reports."""
