# SPDX-License-Identifier: EUPL-1.2
"""Rows 20 and 24 of the privacy tests on portals as they are: a small one by the week, and a big day of a big one."""
import os
import random

import crowds
import observer
import pytest
from bins import rare_bins
from links import TABLES, Linked, nearly_equal, weak_cells
from runs import Run

LONG = bool(os.environ.get("BALISE_LONG"))
SMALL_DAYS, BIG_DAYS = (90, 4) if LONG else (14, 2)
TARGETS = 60 if LONG else 10  # atoms tried a day with all tables together


def run_of(portal, days):
    return Run([portal.config()], [view for day in range(days) for view in portal.day(day)])


@pytest.fixture(scope="module", name="small")
def _small():
    return run_of(crowds.Portal("small", "portal", 30, 500), SMALL_DAYS)


@pytest.fixture(scope="module", name="big")
def _big():
    """300 pages and 20,000 views a day; the first day has no yesterday."""
    return run_of(crowds.Portal("big", "portal", 300, 20_000), BIG_DAYS)


@pytest.fixture(scope="module", name="days")
def _days(small, big):
    return {**{("small", *key): day for key, day in small.days.items()}, **{("big", *key): day for key, day in big.days.items()}}


def test_what_is_told_is_what_was_sent(big, small):
    for day in (*big.days.values(), *small.days.values()):
        day.check()
    for (_, number), day in big.days.items():
        assert len(day.of(("hourly", "page"))) > (200 if number else 100)
        assert len(day.of(("daily", "page+device"))) > 60
        assert len(day.of(("daily", "region+device"))) > 20


def test_privacy_20_no_told_cell_is_of_fewer_than_k_visitors(days):
    assert {key: weak_cells(day) for key, day in days.items() if weak_cells(day)} == {}


@pytest.mark.parametrize("table", TABLES)
def test_privacy_20_no_remainder_and_no_cut_of_a_table_is_of_fewer_than_k_visitors(days, table):
    found = {}
    for key, day in days.items():
        linked = Linked(day, table)
        leaks = [len(views) for views in linked.weak_remainders()] + linked.weak_cuts()
        if leaks:
            found[key] = leaks
    assert found == {}


def test_privacy_20_no_block_and_no_rest_of_the_day_is_of_fewer_than_k_visitors(days):
    for key, day in days.items():
        blocks = [set(told.views) for told in day.of(("hourly", "site"))]
        rest = set(range(len(day.truth.documents))).difference(*blocks)
        assert blocks and (not rest or day.truth.heads(rest) >= crowds.K), key


def test_privacy_20_no_combination_of_all_tables_of_a_small_portal_is_of_fewer_than_k_visitors(small):
    draw = random.Random(3)

    def some(atoms, tried):
        """The atoms whose classes are the rarest, and others."""
        rarity = {atom: min(len(sets[cell]) for cell in atoms.cells[atom]) for atom in tried}
        rare = sorted(tried, key=rarity.get)
        return rare[:TARGETS // 2] + draw.sample(tried, min(TARGETS // 2, len(tried)))

    found = {}
    for key, day in small.days.items():
        sets = [told.views for told in day.all]
        leaks = observer.leaks(sets, day.truth.visitors, some)
        if leaks:
            found[key] = [(heads, len(atoms)) for heads, atoms in leaks]
    assert found == {}


def test_privacy_20_nearly_equal_cells_of_different_tables_are_rare(days, record_property):
    pairs, cells = [], 0
    for key, day in days.items():
        near, count = nearly_equal(day)
        pairs += [(key, pair) for pair in near]
        cells += count
    record_property("nearly_equal_pairs", f"{len(pairs)} of {cells} told cells")
    assert len(pairs) * 10_000 <= cells, pairs


def test_privacy_24_no_bin_is_of_fewer_than_k_views_of_the_day(days):
    assert {key: rare_bins(day)[:3] for key, day in days.items() if rare_bins(day)} == {}


def test_privacy_24_an_outlier_cannot_be_told_from_another():
    """A view of 97,531 ms and one of 60,000 ms, each the greatest of its day by far, leave the same bytes."""
    told = []
    for value in (97_531, 60_000):
        portal = crowds.Portal("outlier", "portal", 15, 300)
        first, *others = portal.day(0)
        assert max(dict(view.values)["lcp"] for view in others) < 50_000
        run = Run([portal.config()], [first._replace(values=(("lcp", value), ("ttfb", 100))), *others])
        told.append((run.told.cells, run.told.days))
    assert told[0] == told[1]
    assert any(cell.buckets["lcp"] for cell in told[0][0].values())
