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
HANDS = 24  # that share the calls of a kind: pytest -n lets them work side by side


def play(kind, how, some):
    """The failures of a kind one by one, those that some(count) names of so many calls."""
    count = calls(kind)
    assert count > 0
    chosen = some(count)
    struck = sum(live(kind, n, **how)[1] for n in chosen)
    print(f"{kind} {how}: {struck} failures of {len(chosen)} calls, {count} in all")
    assert struck >= len(chosen) - 1 - len(chosen) // 8  # the last ones may not come: a life is not the same to the last call


def spread(most):
    """As many calls as that, from the first to the last."""
    return lambda count: sorted({round(n * (count - 1) / max(most - 1, 1)) for n in range(most)})


def share(hand):
    """Every call that falls to one of the hands."""
    return lambda count: range(hand, count, HANDS)


@pytest.mark.parametrize(("kind", "how"), REFUSALS, ids=NAMES)
def test_some_calls_that_fail_lose_nothing_that_was_acknowledged(kind, how):
    play(kind, how, spread(SAMPLE))


@pytest.mark.long
@pytest.mark.parametrize("hand", range(HANDS))
@pytest.mark.parametrize(("kind", "how"), REFUSALS, ids=NAMES)
def test_every_call_that_fails_loses_nothing_that_was_acknowledged(kind, how, hand):
    play(kind, how, share(hand))


def test_some_failing_allocations_end_the_server_with_a_word_and_lose_nothing():
    play("memory", {}, spread(10))


@pytest.mark.long
@pytest.mark.parametrize("hand", range(HANDS))
def test_every_failing_allocation_ends_the_server_with_a_word_and_loses_nothing(hand):
    play("memory", {}, share(hand))
