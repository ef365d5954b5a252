# SPDX-License-Identifier: EUPL-1.2
"""The life of the package in a clean Debian 12, in this order: the first installation, an upgrade, an older version on a
newer store, removal, purge. All tests share one system."""
import json
import pathlib
import re
import subprocess

import pytest

from room import Service

CONFIG = "/etc/balise/balise.json"
VIEW = json.dumps({"v": 1, "path": "/", "type": "navigate", "lcp": 1200})
SEND = ["--data", VIEW, "--header", "Content-Type: text/plain", "--header", "Origin: https://portal.example"]
PUBLIC, PRIVATE = "http://127.0.0.1:8080", "http://127.0.0.1:8090"


@pytest.fixture(name="newer", scope="module")
def _newer(package, tmp_path_factory):
    """The same program as the next version, whose default configuration is another too."""
    folder = tmp_path_factory.mktemp("newer")
    subprocess.run(["dpkg-deb", "-R", package, folder / "tree"], check=True)
    control = folder / "tree/DEBIAN/control"
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+next", control.read_text(), flags=re.MULTILINE))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", folder / "tree", folder / "newer.deb"], check=True, stdout=subprocess.DEVNULL)
    return folder / "newer.deb"


@pytest.fixture(name="installed")
def _installed(room, package):
    """The room with the package in it, whatever an earlier test has left."""
    if room.run("dpkg-query", "-W", "-f", "${db:Status-Status}", "balise", check=False).stdout != "installed":
        room.install(package)
    return room


def as_balise(room, *words):
    return room.run("setpriv", "--reuid=balise", "--regid=balise", "--init-groups", *words)


def test_the_package_says_what_it_is(package):
    version = re.search(r"project\(balise VERSION ([0-9.]+)", (pathlib.Path(__file__).parents[2] / "CMakeLists.txt").read_text())[1]
    architecture = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
    assert package.name == f"balise_{version}_{architecture}.deb"


def test_the_first_installation_makes_user_folder_and_service(room, package):
    room.install(package)
    assert room.run("dpkg", "--verify", "balise").stdout == ""
    assert re.search(r"^balise:.*:/var/lib/balise:/usr/sbin/nologin$", room.path("etc/passwd").read_text(), re.MULTILINE)
    assert room.run("stat", "-c", "%U:%G %a", "/var/lib/balise").stdout == "balise:balise 750\n"
    assert room.path("etc/systemd/system/multi-user.target.wants/balise.service").is_symlink()
    for page in ("man1/balise.1", "man5/balise.json.5", "man8/balise-serve.8"):
        assert room.path(f"usr/share/man/{page}.gz").exists()
    for document in ("CHANGELOG", "PRIVACY", "cnil-self-assessment", "cnil-auto-evaluation"):
        assert room.path(f"usr/share/doc/balise/{document}.md.gz").exists()
    checked = as_balise(room, "balise", "check-config", "--config", CONFIG)
    assert "https://portal.example" in checked.stdout


def test_the_unit_is_right_where_it_is_installed(installed):
    said = installed.run("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/balise.service").stdout
    assert "balise" not in said, said


def test_what_is_installed_serves_as_its_user(installed):
    with Service(installed) as service:
        assert service.curl(f"{PRIVATE}/readyz")[0] == 200
        assert service.curl(*SEND, f"{PUBLIC}/balise/b")[0] == 204
        assert service.curl(f"{PUBLIC}/balise/b.js") == (200, installed.path("usr/share/balise/snippet/b.js").read_text())
        status = pathlib.Path(f"/proc/{service.pid()}/status").read_text()
        uid = installed.run("id", "-u", "balise").stdout.strip()
        assert re.search(rf"^Uid:\s+{uid}\s+{uid}\s", status, re.MULTILINE)
        assert re.search(r"^CapPrm:\s+0+$", status, re.MULTILINE) and not re.search(r"^VmLck:\s+0 kB", status, re.MULTILINE)
        assert "level=error" not in service.log.read_text() and "level=warning" not in service.log.read_text().replace("swap_on", "")


def edit(room):
    """The three lines that the configuration asks for."""
    config = json.loads(room.path(CONFIG).read_text())
    config["sites"][0].update(origins=["https://other.example"], time_zone="Europe/Brussels", pages=["/", "/dossier/:id"])
    text = json.dumps(config, indent=2)
    room.path(CONFIG).write_text(text)
    return text


def test_an_upgrade_keeps_an_edited_configuration_and_what_was_counted(installed, newer):
    text = edit(installed)
    token = as_balise(installed, "balise", "token", "new", "--config", CONFIG, "--role", "operator").stdout.splitlines()[-1]
    send = [word.replace("portal.example", "other.example") for word in SEND]
    with Service(installed) as service:
        assert service.curl(*send, f"{PUBLIC}/balise/b")[0] == 204
        installed.install(newer)  # under the running server, as dpkg does it
        assert service.curl(*send, f"{PUBLIC}/balise/b")[0] == 204
    assert installed.path(CONFIG).read_text() == text
    assert "+next" in installed.run("dpkg-query", "-W", "balise").stdout
    with Service(installed) as service:
        assert service.curl(*send, f"{PUBLIC}/balise/b")[0] == 204
        status, told = service.curl("--header", f"Authorization: Bearer {token}", f"{PRIVATE}/api/v1/retention")
        assert status == 200 and any(tier["files"] for tier in json.loads(told)["tiers"])
    assert as_balise(installed, "balise", "audit", "verify", "--config", CONFIG).returncode == 0


def test_an_older_version_refuses_a_newer_store_and_leaves_it(installed):
    version = installed.path("var/lib/balise/version")
    known = version.read_text()
    before = {path: path.stat().st_mtime_ns for path in installed.path("var/lib/balise").rglob("*") if path.is_file()}
    version.write_text("balise store 99\n")
    service = Service(installed)
    service.launch()
    assert service.process.wait(60) == 1
    said = service.log.read_text()
    assert "/var/lib/balise" in said and "store 99" in said and "newer" in said
    version.write_text(known)
    after = {path: path.stat().st_mtime_ns for path in installed.path("var/lib/balise").rglob("*") if path.is_file()}
    assert {path for path in after if after[path] != before.get(path)} <= {version}
    with Service(installed) as service:
        assert service.curl(f"{PRIVATE}/readyz")[0] == 200


def test_removal_keeps_what_is_the_operators_and_an_installation_takes_it_up(installed, package):
    text = edit(installed)
    installed.run("apt-get", "remove", "-q", "-y", "balise")
    assert not installed.path("usr/bin/balise").exists()
    assert installed.path(CONFIG).read_text() == text and installed.path("var/lib/balise/audit.log").exists()
    installed.install(package)
    assert installed.path(CONFIG).read_text() == text
    with Service(installed) as service:
        assert service.curl(f"{PRIVATE}/readyz")[0] == 200


def test_a_purge_leaves_nothing(installed):
    installed.run("apt-get", "purge", "-q", "-y", "balise")
    installed.path("balise.deb").unlink()
    left = installed.run("find", "/", "-xdev", "-name", "*balise*", "-not", "-path", "/proc/*").stdout
    assert left == ""
