# SPDX-License-Identifier: EUPL-1.2
"""What the agreement tests share: a site in front of a real balise."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from balise import Balise  # noqa: E402  pylint: disable=wrong-import-position
from site_server import Site, bundle, noise  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture(name="scripts", scope="session")
def _scripts():
    return {"vitals": bundle(), "noise": noise()}


@pytest.fixture(name="site", scope="module")
def _site(scripts):
    with Site(scripts) as site:
        sites = [{"name": "portal", "origins": [site.url], "time_zone": "Europe/Paris"}]
        with Balise({"sites": sites}) as balise:
            site.balise = ("127.0.0.1", balise.public_port)
            site.server = balise
            yield site
