# SPDX-License-Identifier: EUPL-1.2
"""The attacks find what they are for: builds whose disclosure control is wrong in a way that somebody might think right
(tests/mutants) are caught on a crowd on which they find nothing in the real product."""
import functools
import os

import crowds
import mutants
import observer
import pytest
from bins import rare_bins
from links import LINES, SITE, TABLES, weak_cells
from runs import Run
from test_polling import Leak, poll_after_each_beacon, watched

CAUGHT_BY = {
    "disclosure-naive-folding": "page x device",
    "disclosure-rows-and-columns": "page x device",
    "disclosure-no-pool": "page x block",
    "disclosure-weak-hub": "page x block",
    "disclosure-blocks-of-a-page": "page x block",
    "disclosure-fine-bins": "rare bins",
    "disclosure-rounding-only": "weak cells",
    "disclosure-weak-links": "tables beside each other",
}


@functools.cache
def crowd():
    return crowds.small_sites("mutants", 8, 5)


def leaks(day, tables):
    return observer.leaks([told.views for told in day.of(SITE, *tables)], day.truth.visitors)


ATTACKS = {"weak cells": weak_cells, "rare bins": rare_bins, "tables beside each other": functools.partial(leaks, tables=LINES),
           **{name: functools.partial(leaks, tables=tables) for name, tables in TABLES.items()}}


def caught(run, attack):
    """Whether an attack finds anything on any day."""
    return any(ATTACKS[attack](day) for day in run.days.values())


def test_the_attacks_find_nothing_in_the_real_product():
    run = Run(*crowd())
    assert [attack for attack in ATTACKS if caught(run, attack)] == []


@pytest.mark.parametrize("patch", mutants.patches("disclosure"), ids=mutants.name)
def test_an_unsound_rule_is_caught(patch, tmp_path):
    program = mutants.build(patch, tmp_path, target="balise-feed")
    assert caught(Run(*crowd(), program=program), CAUGHT_BY[mutants.name(patch)])


@pytest.mark.parametrize("patch", mutants.patches("polling"), ids=mutants.name)
def test_live_totals_are_caught(patch, tmp_path, monkeypatch):
    monkeypatch.setenv("BALISE_BIN", os.fspath(mutants.build(patch, tmp_path)))
    with watched() as watch, pytest.raises(Leak):
        poll_after_each_beacon(watch)
