# SPDX-License-Identifier: EUPL-1.2
"""Machines that ship to one cluster, each a balise of its own."""
import itertools
import json

import clickhouse
from balise import Balise, run
from wait import until

DATABASES = (f"balise_{n}" for n in itertools.count(1))
SHIP_SECONDS = 300  # a machine that has failed often waits for minutes


def section(engines, database, node):
    """The cluster section of a machine's configuration."""
    return {"nodes": engines.nodes(), "name": clickhouse.NAME if isinstance(engines, clickhouse.Cluster) else "",
            "database": database, "node": node, "interval_seconds": 1, "seconds": 20}


class Machines:
    """`count` machines and their database; a context manager. The last one's answers are those of the cluster.

    balise: the machines; config: sections laid over their configuration, whose cluster section is laid over the usual one;
    wrapper: a command that runs them.
    """

    def __init__(self, engines, count, config=None, wrapper=()):
        self.database = next(DATABASES)
        self.engines = engines
        self.balise = []
        try:
            for n in range(1, count + 1):
                more = {"query": {"source": "cluster"}, **(config or {})}
                more["cluster"] = {**section(engines, self.database, f"n{n}"), **more.get("cluster", {})}
                self.balise.append(Balise(more, running=False))
                self.balise[-1].wrapper = list(wrapper)
            self.init()
            for balise in self.balise:
                balise.start()
            until(lambda: self.known() == count, SHIP_SECONDS, "machines that the cluster knows")
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __iter__(self):
        return iter(self.balise)

    def __getitem__(self, index):
        return self.balise[index]

    def close(self):
        for balise in self.balise:
            balise.close()

    def command(self, verb, *words, index=0):
        balise = self.balise[index]
        return run("cluster", verb, *words, "--config", balise.config_path, environment=balise.environment(), wrapper=balise.wrapper)

    def init(self):
        made = self.command("init")
        assert made.returncode == 0, made.stderr

    def close_day(self):
        """The day ends on all machines; returns it."""
        return [balise.close_day() for balise in self.balise][0]

    def complete(self, index=0, **parameters):
        """An answer once it says that it is complete; servers that have just been killed may take long, or none may be there."""
        def look():
            answer = self.balise[index].ask_kpi(**parameters)
            assert answer.status in (200, 503), answer.body
            return answer.status == 200 and answer.json()["coverage"]["complete"] and answer.json()
        return until(look, SHIP_SECONDS, f"a complete answer of {parameters}")

    def known(self):
        """How many machines have shipped anything, if only that there is nothing to ship: of others an answer does not know that it lacks them."""
        table = "nodes" if isinstance(self.engines, clickhouse.Cluster) else "nodes_data"
        return int(self.sql(f"SELECT uniqExact(node) FROM {{}}.{table}"))

    def sql(self, text):
        """Ask the first engine; {} in the text is the database."""
        return self.engines_first().query(text.format(self.database))

    def engines_first(self):
        return self.engines.servers["s1r1"] if isinstance(self.engines, clickhouse.Cluster) else self.engines.server


def own_answer(balise, asked):
    """What a machine that has stopped answers from its own store."""
    path = balise.folder / "own.json"
    path.write_text(json.dumps({**balise.config, "query": {"source": "store"}}), encoding="utf-8")
    words = [word for name, value in asked.items() for word in (f"--{name.rstrip('_')}", str(value))]
    answer = run("query", "--config", path, "--site", "portal", *words, "--format", "json", environment=balise.environment())
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)
