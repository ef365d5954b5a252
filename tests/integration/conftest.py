# SPDX-License-Identifier: EUPL-1.2
"""What the integration tests share: the support modules, and a server of their own."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from balise import Balise  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture(name="balise")
def _balise():
    with Balise() as server:
        yield server
        said = server.log()
        assert "portal.example" not in said and "2001:db8" not in said and "Mozilla" not in said
