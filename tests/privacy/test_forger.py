# SPDX-License-Identifier: EUPL-1.2
"""Whoever makes up visitors, knows them all and takes them off what is told is left with several others, or nothing."""
import pytest

import mutants
from balise import DESKTOP, Balise, address_in, view

K = 10
FORGED = 60
VICTIMS_PAGE, BESIDE = "/dossier", "FR-BRE"


def rest_of_what_is_told(balise):
    """A forger in one network joins a page and a region of one victim, with as many user agents as it takes. What is left of
    each told cell that has forged views in it, once these are taken off."""
    balise.visit(30, view("/", lcp=900))
    balise.visit(12, view("/aide", lcp=900))
    balise.visit(6, view("/rare", lcp=900), region="FR-ARA")
    balise.visit(6, view("/rarer", lcp=900), region="FR-OCC")
    assert balise.post(view(VICTIMS_PAGE, lcp=4321), address=address_in(BESIDE, 7)).status == 204
    forged = [(view(VICTIMS_PAGE, lcp=100), {"address": address_in(BESIDE, 8, host), "user_agent": DESKTOP % (100 + host)})
              for host in range(1, FORGED)]
    balise.post_all(forged)
    day = balise.close_day()
    tables = {table: balise.views(table, day) for table in ("page", "region", "device", "browser", "type")}
    named = {(table, name) for table, name in (("page", VICTIMS_PAGE), ("region", BESIDE)) if name in tables[table]}
    left = [views - len(forged) for cells in tables.values() for views in cells.values() if views >= len(forged)]
    return named, min(left)


def test_privacy_25_who_forges_visitors_in_one_network_learns_nothing_of_a_single_one():
    with Balise() as balise:
        named, least = rest_of_what_is_told(balise)
        assert named == set() and least >= K // 2


@pytest.mark.parametrize("patch", mutants.patches("forger"), ids=mutants.name)
def test_a_build_that_counts_every_forged_visitor_is_found_out(patch, tmp_path, monkeypatch):
    monkeypatch.setenv("BALISE_BIN", str(mutants.build(patch, tmp_path)))
    with Balise() as balise:
        named, least = rest_of_what_is_told(balise)
        assert named and least < K // 2
