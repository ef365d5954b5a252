# SPDX-License-Identifier: EUPL-1.2
"""`balise erase`: a page that names somebody leaves every file, and no total changes."""
import datetime
import pathlib

import pytest

from audit import records
from balise import Balise, run, view

NAMED = "/agent/prenom-nom"
DAY = datetime.timedelta(days=1)


def erase(balise, *more, page=NAMED):
    return run("erase", "--config", balise.config_path, "--site", "portal", "--page", page, *more, environment=balise.environment())


def holding(folder, text):
    """Every file below a folder with that text in its bytes."""
    return sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*") if path.is_file() and text.encode() in path.read_bytes())


def fill(balise):
    balise.visit(20, view("/", lcp=900))
    balise.visit(15, view(NAMED, lcp=1500))
    balise.visit(12, view(NAMED + "/horaires", lcp=1100))
    balise.visit(6, view("/rare", lcp=100))
    balise.visit(6, view("/rare-too", lcp=100), region="FR-BRE")


@pytest.mark.sanitize
def test_an_erased_page_is_in_no_byte_and_every_total_stays():
    with Balise() as balise:
        fill(balise)
        closed = balise.close_day()
        fill(balise)
        assert balise.views("page", closed)[NAMED] == 15
        running = erase(balise)
        assert running.returncode == 1 and "stop it" in running.stderr
        balise.terminate()
        assert holding(balise.data, NAMED)
        look = erase(balise, "--dry-run")
        assert look.returncode == 0 and "to be rebuilt: " in look.stdout and "daily/2026-06.mdb" in look.stderr
        done = erase(balise)
        assert done.returncode == 0, done.stderr
        assert "proved: its text is in no byte of the data folder" in done.stdout and "counted under its name again" in done.stdout
        longer = holding(balise.data, NAMED + "/horaires")
        assert longer and all((balise.data / name).read_bytes().count(NAMED.encode()) ==
                              (balise.data / name).read_bytes().count(NAMED.encode() + b"/horaires") for name in holding(balise.data, NAMED))
        record = records(balise.data, "erasure")[-1]
        assert record.fields["text"] == "absent" and record.fields["hits"] == "0" and int(record.fields["cells"]) > 0
        assert "prenom" not in (balise.data / "audit.log").read_text(encoding="ascii")
        balise.start()
        assert balise.views("page", closed) == {"/": 20, "(other)": 27, NAMED + "/horaires": 12}
        assert balise.views("day", closed) == {str(closed): 59}
        today = balise.close_day()
        assert balise.views("page", today) == {"/": 20, "(other)": 27, NAMED + "/horaires": 12}
        row = balise.rows("page", from_=closed, to=closed + DAY)["(other)"]
        assert row["visitors_are"] == "upper_bound" and row["lcp"]["n"] == 27


def test_erasing_twice_and_erasing_nothing_end_well(balise):
    fill(balise)
    balise.close_day()
    balise.terminate()
    assert erase(balise).returncode == 0
    again = erase(balise)
    assert again.returncode == 0 and " 0 cells of the page" in again.stdout
    assert erase(balise, page="/nobody-was-here").returncode == 0
    report = run("retention", "--config", balise.config_path, "--verify", environment=balise.environment())
    assert report.returncode == 0, report.stderr


def test_a_text_that_is_left_elsewhere_is_named_and_is_no_success(balise):
    fill(balise)
    balise.close_day()
    balise.terminate()
    (balise.data / "copy.txt").write_text(f"somebody's notes on {NAMED}", encoding="utf-8")
    done = erase(balise)
    assert done.returncode == 1 and "NOT proved" in done.stdout and "copy.txt" in done.stdout
    assert records(balise.data, "erasure")[-1].fields["text"] == "found"


def test_only_the_days_that_are_asked_for(balise):
    days = []
    for _ in range(3):
        fill(balise)
        days.append(balise.close_day())
    balise.terminate()
    done = erase(balise, "--from", days[1], "--to", days[2])
    assert done.returncode == 1 and "in days that were not asked for: " in done.stdout and "NOT proved" in done.stdout
    balise.start()
    assert [NAMED in balise.views("page", day) for day in days] == [True, False, True]


def test_nonsense_is_refused_in_words():
    with Balise(running=False) as balise:
        assert run("erase", "--config", balise.config_path).returncode == 2
        assert erase(balise, "--from", "yesterday").returncode == 2
        assert erase(balise, "--from", "2026-06-02", "--to", "2026-06-01").returncode == 2
        unknown = run("erase", "--config", balise.config_path, "--site", "nowhere", "--page", NAMED)
        assert unknown.returncode == 1 and "nowhere" in unknown.stderr
