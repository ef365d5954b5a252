# SPDX-License-Identifier: EUPL-1.2
"""Every test of a block runs with every proxy."""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

from portal import Portal  # noqa: E402  pylint: disable=wrong-import-position
from proxies import PROXIES  # noqa: E402  pylint: disable=wrong-import-position
from recorder import Recorder  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture(name="kind", params=PROXIES, ids=lambda kind: kind.__name__.lower(), scope="session")
def _kind(request):
    return request.param


@pytest.fixture(name="upstreams", scope="module")
def _upstreams(kind):
    """The proxy, with what stands where balise would and the portal behind it."""
    with Recorder() as recorder, Portal() as portal, kind(recorder.address, portal.address) as proxy:
        yield proxy, recorder, portal


@pytest.fixture(name="proxy")
def _proxy(upstreams):
    upstreams[1].requests.clear()
    upstreams[2].requests.clear()
    upstreams[2].go_on.clear()
    return upstreams[0]


@pytest.fixture(name="recorder")
def _recorder(upstreams, proxy):  # pylint: disable=unused-argument
    return upstreams[1]


@pytest.fixture(name="portal")
def _portal(upstreams, proxy):  # pylint: disable=unused-argument
    return upstreams[2]
