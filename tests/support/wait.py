# SPDX-License-Identifier: EUPL-1.2
"""The one place where a test waits: it looks again and again, and gives up at a deadline."""
import time

BETWEEN_LOOKS_SECONDS = 0.02


def until(look, seconds=10, what="the condition"):
    """Calls look() until it returns something true, and returns that; TimeoutError names what never came."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what} did not come true within {seconds} s")
        time.sleep(BETWEEN_LOOKS_SECONDS)
