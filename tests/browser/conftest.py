# SPDX-License-Identifier: EUPL-1.2
"""What the browser tests share: real Chromium, real nginx, and a balise that only takes notes."""
import sys
import pathlib

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

from cdp import Browser  # noqa: E402  pylint: disable=wrong-import-position
from dashboard import quarter  # noqa: E402  pylint: disable=wrong-import-position
from nginx import Nginx  # noqa: E402  pylint: disable=wrong-import-position
from recorder import Recorder  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture(scope="module")
def browser():
    with Browser() as chromium:
        yield chromium


@pytest.fixture
def recorder():
    with Recorder() as upstream:
        yield upstream


@pytest.fixture
def portal(recorder):
    with Nginx(balise=recorder.address) as nginx:
        yield nginx


@pytest.fixture(name="quarter", scope="session")
def _quarter():
    """A server with a quarter of simulated visitors, for who only reads."""
    with quarter() as balise:
        yield balise
