"""Memory that nobody uses any more, given back to the system: allocators keep it, and a worker would seem to grow."""

import ctypes

import pyarrow as pa


def give_back() -> None:
    """Give back what Arrow and the C library keep; of other C libraries than GNU's only Arrow's is given back."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
