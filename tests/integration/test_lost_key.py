# SPDX-License-Identifier: EUPL-1.2
"""Keys of the data folder that are gone: what is lost with each, and how the server comes up again."""
from balise import Balise, run


def test_without_the_journals_keys_views_of_the_last_checkpoint_are_left():
    with Balise({"store": {"checkpoint_seconds": 60}}) as balise:
        balise.visit(12)
        balise.restart()  # a checkpoint
        balise.visit(12)
        balise.kill9()
        (balise.data / "journal.keys").unlink()
        balise.start()
        day = balise.close_day()
        assert [row["views"] for row in balise.kpi(metric="lcp", by="day", from_=day)["rows"]] == [12]


def test_without_the_audit_logs_key_nothing_starts_until_another_log_is_begun():
    with Balise() as balise:
        balise.visit(12)
        balise.close_day()
        balise.terminate()
        (balise.data / "audit.key").unlink()
        said = balise.fails_to_start()
        assert "audit.key is missing" in said and "move the log aside" in said
        aside = balise.folder / "audit-2026-06-10.log"
        (balise.data / "audit.log").rename(aside)
        assert "balise audit begin" in balise.fails_to_start()
        assert run("audit", "begin", "--config", balise.config_path).returncode == 0
        balise.start()
        for words in (("--config", balise.config_path), ("--log", aside)):
            assert run("audit", "verify", *words).returncode == 0
