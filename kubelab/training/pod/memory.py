"""The worker's memory, kept between steps instead of being asked for and given back in each."""

from __future__ import annotations

import ctypes

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_MAX = -4

_STEP = 64 << 20
_NEVER = 2**31 - 1


def keep_memory() -> None:
    """Have glibc keep what XLA frees at the end of a step, for the next one.

    XLA allocates a step's intermediate results as one block. glibc maps a block of more than 32 MB anew each
    time, and the kernel clears it page by page: 19 of the 43 ms of a nano's step with 16 windows. The
    process holds its largest step's memory until it ends. Another C library is left as it is.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for option, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _NEVER), (_M_TOP_PAD, _STEP)):
        set_option(option, value)
