"""Native CPU kernels of brainvar, as XLA FFI handlers."""

from typing import Any, TypedDict

class BuildInfo(TypedDict):
    version: str
    ffi_api_major: int
    ffi_api_minor: int
    compiler: str
    simd: str
    cuda_architectures: str

def registrations() -> dict[str, Any]:
    """Return the handlers as capsules, by the name of their custom-call target."""

def build_info() -> BuildInfo:
    """Say what the extension was built with, and the SIMD level in use on this machine."""

def threefry2x32(k0: int, k1: int, c0: int, c1: int) -> tuple[int, int]:
    """Encipher one block, for known-answer tests."""
