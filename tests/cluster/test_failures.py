# SPDX-License-Identifier: EUPL-1.2
"""Whatever is killed, sent twice, or late: at the end every total is exact, and until then an answer says what it lacks."""
import concurrent.futures
import datetime
import os
import random

import pytest

from audit import records
from balise import run, view
from clickhouse import Refused
from crowds import Flood, Strikes, crowd
from machines import Machines, own_answer
from wait import until

DAY = datetime.timedelta(days=1)
TOTALS = ("page", "region", "device", "browser", "protocol", "type")  # whose rows are all views
TABLES = (*TOTALS, "page,device", "region,device")
HOURLY = ("hour", "hour,page")  # blocks of machines are told together: their sum is the same, not each of them


def numbers(answer, by):
    return {tuple(row[name] for name in by.split(",")): (row["views"], row["lcp"]["n"]) for row in answer["rows"]}


def added(tables):
    total = {}
    for table in tables:
        for key, (views, n) in table.items():
            before = total.get(key, (0, 0))
            total[key] = (before[0] + views, before[1] + n)
    return total


def fill(cluster, machines, chance, size):
    """Days of views during which something is killed all the time; {day: (acknowledged, sent)}, of all machines."""
    days, parts, views = size
    told = {}
    for _ in range(days):
        floods = [Flood(balise, crowd(number, 120)) for number, balise in enumerate(machines)]

        def send(count, sending=tuple(floods)):
            with concurrent.futures.ThreadPoolExecutor(len(sending)) as pool:
                list(pool.map(lambda flood: flood.run(count), sending))
        for _ in range(parts):
            with Strikes(cluster, machines, chance):
                send(views)
            for balise in machines:
                balise.clock.advance(hours=2)
        send(120)  # a machine that was killed needs its visitors again: it has forgotten who they were
        with Strikes(cluster, machines, chance, kinds=("replica", "zookeeper")):
            day = machines.close_day()
        with Strikes(cluster, machines, chance):
            pass
        told[day] = sum(flood.acknowledged for flood in floods), sum(flood.sent for flood in floods)
    return told


def views_of(answer):
    return sum(row["views"] for row in answer["rows"])


@pytest.mark.parametrize("size", [(2, 2, 240), pytest.param((12, 4, 7000), marks=pytest.mark.long)], ids=["thousands", "a-million"])
def test_totals_are_exact_in_every_table_after_kills(cluster, size):
    chance = random.Random(int(os.environ.get("BALISE_SEED", "1")))
    with Machines(cluster, 3) as machines:
        told, whole = {}, {}
        for day, (acknowledged, sent) in fill(cluster, machines, chance, size).items():
            for by in TABLES:
                whole[day, by] = machines.complete(metric="lcp", by=by, from_=day, to=day + DAY)
                told[day, by] = numbers(whole[day, by], by)
            for by in HOURLY:
                whole[day, by] = machines.complete(metric="lcp", by=by, from_=day, to=day + DAY)
            assert acknowledged <= views_of(whole[day, "page"]) <= sent
            assert len({views_of(whole[day, by]) for by in TOTALS}) == 1, day
        for balise in machines:
            balise.terminate()
        for (day, by), answer in whole.items():
            own = [own_answer(balise, {"metric": "lcp", "by": by, "from": day, "to": day + DAY}) for balise in machines]
            assert views_of(answer) == sum(map(views_of, own)), (by, day)
            assert by in HOURLY or told[day, by] == added(numbers(one, by) for one in own), (by, day)


def test_what_is_sent_again_at_any_age_changes_nothing(cluster):
    with Machines(cluster, 2) as machines:
        for number, balise in enumerate(machines):
            balise.post_all(crowd(number, 120))
        day = machines.close_day()
        asked = {"metric": "lcp,fcp", "by": "page", "from_": day, "to": day + DAY}
        before = machines.complete(**asked)
        for table in ("cells", "bins", "periods", "nodes"):
            cluster.servers["s2r2"].query(f"INSERT INTO {machines.database}.{table} SELECT * FROM {machines.database}.{table}",
                                          insert_distributed_sync=1, insert_deduplicate=0)
        assert int(machines.sql("SELECT count() FROM {}.cells")) > int(machines.sql("SELECT count() FROM {}.cells FINAL"))
        assert machines.complete(1, **asked) == before
        # A machine that died between the rows of a newer version and the row that makes them count.
        for table, values in (("cells", "views"), ("bins", "views")):
            columns = ", ".join(row[0] for row in cluster.servers["s1r1"].rows(
                f"SELECT name FROM system.columns WHERE database = '{machines.database}' AND table = '{table}'"))
            changed = columns.replace("version", "version + 1")
            cluster.servers["s1r1"].query(f"INSERT INTO {machines.database}.{table} ({columns}) SELECT {changed} FROM "
                                          f"{machines.database}.{table} WHERE notEmpty(toString({values}))", insert_distributed_sync=1)
        assert machines.complete(1, **asked) == before


def test_a_replica_that_lags_is_said_and_a_cluster_that_is_away_holds_up_no_view(cluster):
    with Machines(cluster, 2) as machines:
        for number, balise in enumerate(machines):
            balise.post_all(crowd(number, 60))
        first = machines.close_day()
        asked = {"metric": "lcp", "by": "page", "from_": first, "to": first + 2 * DAY}
        machines.complete(**asked)
        for name in ("s1r2", "s2r2"):
            cluster.servers[name].query("SYSTEM STOP FETCHES")
        for number, balise in enumerate(machines):
            balise.post_all(crowd(number, 60))
        machines.close_day()
        until(lambda: machines.sql("SELECT count() FROM {}.periods FINAL WHERE tier = 1") == "4", 60, "four days shipped")
        for name in ("s1r1", "s2r1"):
            cluster.servers[name].kill9()
        late = machines[0].kpi(**asked)
        assert late["coverage"]["complete"] is False
        for name in ("s1r2", "s2r2"):
            cluster.servers[name].kill9()
        refused = machines[0].ask_kpi(**asked)
        assert refused.status in (500, 503) and b"rows" not in refused.body
        machines[0].post_all(crowd(0, 60))
        for server in cluster.servers.values():
            server.launch()
        for server in cluster.servers.values():
            server.wait_answers()
        assert sum(row["views"] for row in machines.complete(**asked)["rows"]) == 240


def test_a_schema_of_another_version_is_refused(cluster):
    with Machines(cluster, 1) as machines:
        machines.sql("ALTER TABLE {}.nodes_data ON CLUSTER balise ADD COLUMN stranger UInt8")
        refused = machines.command("init")
        assert refused.returncode == 1 and "not those of this version" in refused.stderr and "stranger" in refused.stderr


def test_erasure_and_retention_reach_the_cluster(cluster):
    with Machines(cluster, 2) as machines:
        named = "/agent/prenom-nom"
        for number, balise in enumerate(machines):
            balise.post_all([(view(named, lcp=900), words) for _, words in crowd(number, 40)])
            balise.post_all(crowd(number, 60))
        day = machines.close_day()
        asked = {"metric": "lcp", "by": "page", "from_": day, "to": day + DAY}
        assert numbers(machines.complete(**asked), "page")[named,] == (80, 80)
        machines[0].terminate()
        done = run("erase", "--config", machines[0].config_path, "--site", "portal", "--page", named, environment=machines[0].environment())
        assert done.returncode == 0, done.stderr
        machines[0].start()
        until(lambda: records(machines[0].data, "cluster_rewritten"), 60, "a record that it is gone")
        left = "SELECT count() FROM {}.%s WHERE node = 'n1' AND d1 = '" + named + "'"
        assert machines.sql(left % "cells") == machines.sql(left % "bins") == "0"
        rows = numbers(machines.complete(**asked), "page")
        assert rows[named,] == (40, 40) and sum(views for views, _ in rows.values()) == 200

        def verify():
            return run("retention", "--config", machines[0].config_path, "--verify", environment=machines[0].environment())
        assert verify().returncode == 0, verify().stderr
        for balise in machines:
            balise.clock.advance(days=92)
        until(lambda: all(records(balise.data, "cluster_purged") for balise in machines), 60, "records of purges")
        assert machines.sql("SELECT count() FROM {}.cells WHERE tier = 0") == "0"
        assert int(machines.sql("SELECT count() FROM {}.cells WHERE tier = 1")) > 0
        kept = verify()
        assert kept.returncode == 0, kept.stderr
        columns = "node, tier, period, site, margin, day, hour, d1, d2, version, views, visitors, upper_bound, tail_hours"
        changed = columns.replace("node, tier, period,", "'n1', toUInt8(0), toDate('2026-01-01'),")
        cluster.servers["s1r1"].query(f"INSERT INTO {machines.database}.cells ({columns}) SELECT {changed} FROM {machines.database}.cells "
                                      "LIMIT 1", insert_distributed_sync=1)
        broken = verify()
        assert broken.returncode == 1 and "the cluster still has the hourly period 2026-01-01" in broken.stderr


def test_what_a_machine_has_lost_stays_in_the_cluster_until_its_limit(single):
    """A file that was damaged, or a backup that is older: no purge."""
    with Machines(single, 1) as machines:
        machine, = machines
        machine.post_all(crowd(0, 60))
        day = machines.close_day()
        asked = {"metric": "lcp", "by": "page", "from_": day, "to": day + DAY}
        before = numbers(machines.complete(**asked), "page")
        assert "only in" not in machines.command("status").stdout
        machine.clock.advance(hours=1)  # since when no machine may still be about to close the day
        machine.terminate()
        for path in (machine.data / "hourly").glob(f"{day}.mdb*"):
            path.unlink()
        (machine.data / "daily" / f"{day:%Y-%m}.mdb").unlink()
        machine.start()
        until(lambda: "event=only_in_cluster periods=2" in machine.log(), 60, "a word of it")
        assert numbers(machines.complete(**asked), "page") == before
        assert "n1: 2 periods are in the cluster and no longer in this machine's data folder" in machines.command("status").stdout
        assert not records(machine.data, "cluster_purged")
        machine.clock.advance(days=92)
        until(lambda: records(machine.data, "cluster_purged"), 60, "the purge of the hours")
        assert machines.sql("SELECT count() FROM {}.cells_data WHERE tier = 0") == "0"
        assert int(machines.sql("SELECT count() FROM {}.cells_data WHERE tier = 1")) > 0


def test_nothing_waits_after_a_restart(single):
    with Machines(single, 1) as machines:
        machine, = machines
        machine.post_all(crowd(0, 60))
        day = machines.close_day()
        machines.complete(metric="lcp", by="page", from_=day, to=day + DAY)
        machine.terminate()
        machine.start()

        def is_well():
            status = machines.command("status")
            return status.returncode == 0 and "n1: 0 files of told cells wait to be shipped" in status.stdout
        until(is_well, 20, "a status that is well")


def test_analysts_read_views_and_write_nothing(cluster):
    with Machines(cluster, 2) as machines:
        for number, balise in enumerate(machines):
            balise.post_all(crowd(number, 120))
        day = machines.close_day()
        told = numbers(machines.complete(metric="lcp", by="page", from_=day, to=day + DAY), "page")
        ask = {"user": "analyst", "password": "loopback-only"}
        engine = cluster.servers["s2r1"]
        seen = engine.rows(f"SELECT d1, sum(views) FROM {machines.database}.told_views WHERE of = 'daily' AND by = 'page' GROUP BY d1", **ask)
        assert {(page,): int(views) for page, views in seen} == {page: views for page, (views, _) in told.items()}
        figures = engine.rows(f"SELECT page, views, p75 FROM {machines.database}.p75_by_page WHERE metric = 'lcp'", **ask)
        assert figures and all(300 < float(p75) < 2000 and int(views) == told[page,][1] for page, views, p75 in figures)
        with pytest.raises(Refused, match="[Rr]eadonly"):
            engine.query(f"DROP TABLE {machines.database}.cells_data", **ask)
