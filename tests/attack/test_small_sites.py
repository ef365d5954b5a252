# SPDX-License-Identifier: EUPL-1.2
"""Row 20 of the privacy tests: hundreds of small tables, made to be hard, in the real product, against an observer who
combines everything that is told."""
import collections
import os

import crowds
import observer
import pytest
from bins import rare_bins
from links import LINES, SITE, TABLES, weak_cells
from runs import Run

LONG = bool(os.environ.get("BALISE_LONG"))
SITES, DAYS = (60, 30) if LONG else (20, 10)
SEED = int(os.environ.get("BALISE_SEED", "1"))
# Told cells a site and day without which the attack would be on nothing.
LEAST = {("hourly", "page"): 1, ("daily", "page+device"): 1, ("daily", "region+device"): 1}


@pytest.fixture(scope="module", name="run")
def _run():
    return Run(*crowds.small_sites(SEED, SITES, DAYS))


def test_what_is_told_is_what_was_sent(run):
    cells = collections.Counter()
    for day in run.days.values():
        day.check()
        cells.update((told.tier, told.margin) for told in day.all)
    print(dict(cells))
    assert all(cells[table] >= least * len(run.days) for table, least in LEAST.items()), cells


def test_privacy_20_no_told_cell_is_of_fewer_than_k_visitors(run):
    assert {key: weak_cells(day) for key, day in run.days.items() if weak_cells(day)} == {}


def leaks_of(days, pairs):
    """Leaks by day and tables."""
    found = {}
    for key, day in days.items():
        for tables in pairs:
            leaks = observer.leaks([cell.views for cell in day.of(SITE, *tables)], day.truth.visitors)
            if leaks:
                found[key, tables] = leaks
    return found


@pytest.mark.parametrize("table", TABLES)
def test_privacy_20_no_combination_of_a_table_and_its_totals_is_of_fewer_than_k_visitors(run, table):
    assert leaks_of(run.days, [TABLES[table]]) == {}, f"seed {SEED}"


def test_privacy_20_no_combination_of_one_dimensional_tables_is_of_fewer_than_k_visitors(run):
    days = dict(list(run.days.items())[::1 if LONG else 5])
    assert leaks_of(days, [LINES]) == {}, f"seed {SEED}"


def test_privacy_24_no_bin_is_of_fewer_than_k_views_of_the_day(run):
    assert {key: rare_bins(day)[:3] for key, day in run.days.items() if rare_bins(day)} == {}
