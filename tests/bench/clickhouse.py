# SPDX-License-Identifier: EUPL-1.2
"""The same views as raw rows in Debian's ClickHouse, a server of its own in a folder."""
import subprocess
import urllib.parse
import urllib.request

from machine import Program, free_port

CONFIG = """<?xml version="1.0"?>
<yandex>
  <logger><level>error</level><log>{folder}/server.log</log><errorlog>{folder}/error.log</errorlog></logger>
  <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
  <mark_cache_size>268435456</mark_cache_size><uncompressed_cache_size>67108864</uncompressed_cache_size>
  <path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><users_config>{folder}/users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database><timezone>UTC</timezone>
</yandex>"""
USERS = """<?xml version="1.0"?>
<yandex>
  <profiles><default><max_threads>2</max_threads><log_queries>0</log_queries></default></profiles>
  <users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
  <quotas><default></default></quotas>
</yandex>"""
METRICS = ("ttfb fcp lcp inp redirect dns tcp tls request response domInteractive domContentLoaded load transferSize requests weight "
           "elements errors").split()
ABSENT = 2**32 - 1
COLUMNS = f"time DateTime, page String, region UInt8, device UInt8, browser UInt8, {', '.join(f'{m} UInt32' for m in METRICS)}"
RAW = (f"CREATE TABLE views ({COLUMNS}) "
       "ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY (page, time)")
P75 = f"SELECT page, count() AS n, quantileIf(0.75)(lcp, lcp != {ABSENT}) AS p75 FROM views WHERE time >= toDateTime({{0}}) GROUP BY page ORDER BY page"
STATES = (f"CREATE TABLE days ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(day) ORDER BY (page, day) AS SELECT toDate(time) AS day, page, "
          f"quantileIfState(0.75)(lcp, lcp != {ABSENT}) AS p75 FROM views GROUP BY day, page")
P75_OF_STATES = "SELECT page, quantileIfMerge(0.75)(p75) FROM days WHERE day >= toDate(toDateTime({0})) GROUP BY page ORDER BY page"


class ClickHouse:
    """Debian's, a server."""

    def __init__(self, folder):
        for part in ("data", "tmp"):
            (folder / part).mkdir(parents=True)
        self.port = free_port()
        (folder / "config.xml").write_text(CONFIG.format(folder=folder, http=self.port, tcp=free_port()), encoding="utf-8")
        (folder / "users.xml").write_text(USERS, encoding="utf-8")
        self.program = Program(["/usr/sbin/clickhouse-server", f"--config-file={folder}/config.xml"], folder / "log", self.port)

    def ask(self, query):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", query.encode(), timeout=600) as answer:
            return answer.read().decode().strip()

    def insert(self, rows):
        """A file of RowBinary."""
        query = urllib.parse.quote("INSERT INTO views FORMAT RowBinary")
        subprocess.run(["curl", "-sSf", "-H", "Expect:", "-X", "POST", "-T", rows, f"http://127.0.0.1:{self.port}/?query={query}"], check=True)

    def disk_bytes(self, table):
        self.ask(f"OPTIMIZE TABLE {table} FINAL")
        return int(self.ask(f"SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = '{table}'"))

    def stop(self):
        self.program.stop()
