# SPDX-License-Identifier: EUPL-1.2
"""Row 20 of the privacy tests with pages by region told too, which takes the DPO's signature: the same attacks, on that table
beside all others."""
import crowds
import links
import mutants
import observer
import pytest
import runs

NAME = "page x region"
TABLE = (("daily", "page"), ("daily", "region"), ("daily", "page+region"))
SMALL = crowds.small_sites("signed", 8, 4)
PORTAL = crowds.Portal("signed", "portal", 30, 3_000)
PORTAL_VIEWS = [view for day in range(3) for view in PORTAL.day(day)]


@pytest.fixture(scope="module", autouse=True)
def _signed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "MARGINS", {**runs.MARGINS, "page_region": "on"})
        patch.setitem(links.TABLES, NAME, TABLE)
        yield


@pytest.fixture(scope="module", name="small")
def _small(_signed):
    return runs.Run(*SMALL)


@pytest.fixture(scope="module", name="portal")
def _portal(_signed):
    return runs.Run([PORTAL.config()], PORTAL_VIEWS)


def recoverable(day):
    """What linear programs find of fewer than k in pages, regions, both and the site's total together."""
    return observer.leaks([told.views for told in day.of(links.SITE, *TABLE)], day.truth.visitors)


def test_pages_by_region_are_told_and_are_what_was_sent(small, portal):
    for day in (*small.days.values(), *portal.days.values()):
        day.check()
    assert all(len(day.of(TABLE[2])) > 30 for day in portal.days.values())
    assert sum(bool(day.of(TABLE[2])) for day in small.days.values()) > 3


def test_privacy_20_no_told_cell_of_pages_by_region_is_of_fewer_than_k_visitors(small, portal):
    for run in (small, portal):
        assert [links.weak_cells(day) for day in run.days.values() if links.weak_cells(day)] == []


@pytest.mark.parametrize("table", [*links.TABLES, NAME])
def test_privacy_20_no_remainder_and_no_cut_is_of_fewer_than_k_visitors_beside_pages_by_region(portal, table):
    for key, day in portal.days.items():
        linked = links.Linked(day, table)
        assert (key, linked.weak_remainders(), linked.weak_cuts()) == (key, [], [])


def test_privacy_20_linear_programs_find_nothing_in_pages_by_region(small):
    assert [key for key, day in small.days.items() if recoverable(day)] == []


@pytest.mark.parametrize("name", ("disclosure-naive-folding", "disclosure-rows-and-columns"))
def test_an_unsound_rule_for_pages_by_region_is_caught(name, tmp_path):
    patch = next(patch for patch in mutants.patches("disclosure") if mutants.name(patch) == name)
    wrong = runs.Run(*SMALL, program=mutants.build(patch, tmp_path, target="balise-feed"))
    assert [key for key, day in wrong.days.items() if recoverable(day)]
