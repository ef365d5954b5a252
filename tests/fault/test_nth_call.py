# SPDX-License-Identifier: EUPL-1.2
"""Each call of the ingest path fails once: nothing acknowledged is lost, nothing is counted twice, and the server goes on, or
ends with a word and starts again."""
import errno

import pytest

from fault import MAP_FULL
from scenario import calls, live

# What the system says when it refuses, by kind of call.
REFUSALS = [("open", {"code": errno.EMFILE}), ("open", {"code": errno.EROFS}), ("read", {"code": errno.EIO}),
            ("write", {"code": errno.ENOSPC}), ("write", {"code": errno.EIO, "done": True}),
            ("sync", {"code": errno.EIO}), ("sync", {"code": errno.EIO, "done": True}),
            ("truncate", {"code": errno.ENOSPC}), ("accept", {"code": errno.EMFILE}), ("map", {"code": errno.ENOMEM}),
            ("name", {"code": errno.ENOSPC}), ("put", {"code": MAP_FULL})]
NAMES = [f"{kind}-{errno.errorcode.get(how['code'], 'MAP_FULL')}{'-done' if 'done' in how else ''}" for kind, how in REFUSALS]
SAMPLE = 3


def play(kind, how, most=None):
    """The failures of a kind one by one, or as many as that of them, evenly spread."""
    count = calls(kind)
    assert count > 0
    some = range(count) if most is None else sorted({round(n * (count - 1) / max(most - 1, 1)) for n in range(most)})
    struck = sum(live(kind, n, **how)[1] for n in some)
    print(f"{kind} {how}: {struck} failures of {count} calls")
    assert struck > len(some) // 2  # the last ones may not come: a life is not the same to the last call


@pytest.mark.parametrize(("kind", "how"), REFUSALS, ids=NAMES)
def test_some_calls_that_fail_lose_nothing_that_was_acknowledged(kind, how):
    play(kind, how, SAMPLE)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "how"), REFUSALS, ids=NAMES)
def test_every_call_that_fails_loses_nothing_that_was_acknowledged(kind, how):
    play(kind, how)


def test_some_failing_allocations_end_the_server_with_a_word_and_lose_nothing():
    play("memory", {}, 10)


@pytest.mark.long
def test_every_failing_allocation_ends_the_server_with_a_word_and_loses_nothing():
    play("memory", {})
