# SPDX-License-Identifier: EUPL-1.2
"""A crowd through the real pipeline, and all that was told of it."""
import contextlib

from balise import Balise
from dpo import Dpo
from sets import DaySets
from told import Told, feed, run_tool
from views import Views

MARGINS = {"page_blocks": "on", "page_device": "on", "region_device": "on"}


@contextlib.contextmanager
def folder(sites, **words):
    """A data folder with every table switched on, which the DPO has signed; no server runs."""
    config = {"sites": sites, "margins": MARGINS, "store": {"journal": False, "journal_kibibytes": 4096}}
    with Balise(config, running=False, **words) as balise:
        Dpo(balise.folder).sign(balise)
        yield balise


class Run:
    """Views, told and true, by site and day. program: another balise-feed than the one beside the executable."""

    def __init__(self, sites, views, program=None):
        sent = Views(views)
        with folder(sites) as balise:
            file = balise.folder / "views.tsv"
            sent.write(file)
            facts = feed(balise.config_path, file, program=program)
            assert facts["accepted"] == len(views) and facts["arena_full"] == 0, facts
            self.told = Told(run_tool("balise-dump", balise.config_path))
        self.days = {key: DaySets(self.told, *key, truth) for key, truth in sent.site_days().items()}
