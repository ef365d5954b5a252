# SPDX-License-Identifier: EUPL-1.2
"""Attacks are short, and a minute each with script/test --long."""
import os
import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parent.parent / "support")]


@pytest.fixture(name="seconds", scope="session")
def _seconds():
    return 60 if os.environ.get("BALISE_LONG") else 1


@pytest.fixture(name="tls", params=[False, True], ids=["cleartext", "tls"])
def _tls(request):
    return request.param
