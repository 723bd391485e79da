"""How much of the processor there is to share out."""

import os


def usable_cores() -> int:
    """Processor cores this process may run on; containers and `taskset` give fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
