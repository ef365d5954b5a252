# SPDX-License-Identifier: EUPL-1.2
"""What the tests of the cluster share: real ClickHouse and ZooKeeper of Debian's, one of each kind a run."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

import clickhouse  # noqa: E402  pylint: disable=wrong-import-position


def pytest_collection_modifyitems(items):
    if not clickhouse.are_there():
        for item in items:
            item.add_marker(pytest.mark.skip(reason="Debian's clickhouse-server and zookeeper are not installed here"))


@pytest.fixture(name="cluster")
def _cluster():
    with clickhouse.Cluster() as cluster:
        yield cluster


@pytest.fixture(name="single")
def _single():
    with clickhouse.Single() as single:
        yield single
