# SPDX-License-Identifier: EUPL-1.2
"""The package and a clean system to install it in; what takes long is done once."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import room as rooms  # noqa: E402  pylint: disable=wrong-import-position
from booted import cgroup_root  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture(name="package", scope="session")
def _package():
    """build/balise_VERSION_ARCH.deb, by script/package, which asks lintian."""
    made = subprocess.run([ROOT / "script/package"], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert made.returncode == 0, made.stdout
    return ROOT / made.stdout.splitlines()[-1].rpartition(" ")[2]


@pytest.fixture(name="base", scope="session")
def _base(package):
    if os.geteuid() != 0:
        pytest.skip("a system inside a folder needs root")
    if not shutil.which("debootstrap"):
        pytest.skip("debootstrap is missing")
    return rooms.base(package)


@pytest.fixture(name="room", scope="module")
def _room(base, tmp_path_factory):
    """A copy of the base, which is deleted afterwards."""
    folder = tmp_path_factory.mktemp("room")
    subprocess.run(["cp", "-a", "--reflink=auto", f"{base}/.", folder], check=True)
    yield rooms.Room(folder)
    subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True)


@pytest.fixture(name="bootable", scope="module")
def _bootable(room, package):
    """A room with the package in it, on a machine where its systemd can boot."""
    if not cgroup_root():
        pytest.skip("no cgroup2 is mounted: systemd cannot boot")
    if subprocess.run(["unshare", "--user", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("no user namespace can be made here, which the unit's sandbox needs")
    room.install(package)
    return room
