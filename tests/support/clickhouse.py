# SPDX-License-Identifier: EUPL-1.2
"""Run Debian's ClickHouse and ZooKeeper on loopback: two shards of two replicas, each a process of its own.

    with Cluster() as cluster:
        cluster.servers["s1r1"].url              # http://127.0.0.1:PORT
        cluster.servers["s1r1"].query("SELECT 1")
        cluster.servers["s1r2"].kill9(); cluster.servers["s1r2"].start()
        cluster.zookeeper.kill9()

    with Single() as server: ...                 # one server, no replicas
"""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from wait import until

SERVER = "/usr/sbin/clickhouse-server"
ZOOKEEPER_JAR = "/usr/share/java/zookeeper.jar"
NAME = "balise"  # of the cluster in the servers' configuration
START_SECONDS = 60
STOP_SECONDS = 30
RESTARTS = 4

CONFIG = """<?xml version="1.0"?>
<yandex>
  <logger><level>debug</level><log>{folder}/server.log</log><errorlog>{folder}/error.log</errorlog><size>20M</size><count>2</count></logger>
  <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port>
  <interserver_http_port>{interserver}</interserver_http_port><interserver_http_host>127.0.0.1</interserver_http_host>
  <listen_host>127.0.0.1</listen_host>
  <max_connections>256</max_connections><keep_alive_timeout>10</keep_alive_timeout><max_concurrent_queries>64</max_concurrent_queries>
  <uncompressed_cache_size>67108864</uncompressed_cache_size><mark_cache_size>134217728</mark_cache_size>
  <path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><format_schema_path>{folder}/schemas/</format_schema_path>
  <users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
  <timezone>UTC</timezone><mlock_executable>false</mlock_executable>
  <builtin_dictionaries_reload_interval>3600</builtin_dictionaries_reload_interval>
  {more}
</yandex>
"""
TLS = """<https_port>{port}</https_port>
<openSSL><server><certificateFile>{certificate}</certificateFile><privateKeyFile>{certificate}</privateKeyFile><verificationMode>none</verificationMode>
<disableProtocols>sslv2,sslv3,tlsv1,tlsv1_1</disableProtocols><preferServerCiphers>true</preferServerCiphers></server></openSSL>"""
USERS = """<?xml version="1.0"?>
<yandex>
  <profiles>
    <default><max_memory_usage>2000000000</max_memory_usage><max_threads>2</max_threads><load_balancing>in_order</load_balancing><log_queries>0</log_queries></default>
    <readonly><readonly>1</readonly></readonly>
  </profiles>
  <users>
    <default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
    <balise><password>{password}</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></balise>
    <analyst><password>{password}</password><networks><ip>127.0.0.1</ip></networks><profile>readonly</profile><quota>default</quota></analyst>
  </users>
  <quotas><default><interval><duration>3600</duration><queries>0</queries><errors>0</errors><result_rows>0</result_rows><read_rows>0</read_rows><execution_time>0</execution_time></interval></default></quotas>
</yandex>
"""
ZOO = """tickTime=500
initLimit=10
syncLimit=5
dataDir={folder}/data
clientPort={port}
clientPortAddress=127.0.0.1
admin.enableServer=false
4lw.commands.whitelist=isro
maxClientCnxns=0
"""
PASSWORD = "loopback-only"


def are_there():
    """Whether Debian's packages are installed."""
    return os.path.exists(SERVER) and os.path.exists(ZOOKEEPER_JAR)


def free_ports(count):
    """Loopback ports that nobody has now: these servers cannot be told to choose."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


class Refused(Exception):
    """The engine's own words."""


class Process:
    """A server that is started, killed and started again on the same folder and ports."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        self.process = None

    def command(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def launch(self):
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def start(self):
        self.launch()
        self.wait_answers()

    def wait_answers(self):
        """Until it answers. A server of 2018 that does not find ZooKeeper as it starts ends, and its service starts it again."""
        ends = 0

        def look():
            nonlocal ends
            if self.process.poll() is not None:
                ends += 1
                assert ends <= RESTARTS, self.last_words()
                self.launch()
            return self.answers()
        until(look, START_SECONDS, f"{self.folder.name} answering")

    def last_words(self):
        """What it has complained of last, for a failure's report."""
        file = self.folder / "error.log"
        lines = file.read_text(errors="replace").splitlines() if file.exists() else []
        return "\n".join([line[:600] for line in lines if "Exception" in line][-8:])

    def kill9(self):
        if self.process:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        self.process = None


class Server(Process):
    """One ClickHouse."""

    def __init__(self, folder, ports=None):
        super().__init__(folder)
        self.http, self.tcp, self.interserver = ports or free_ports(3)
        self.url = f"http://127.0.0.1:{self.http}"
        self.seconds = 60  # an answer may take
        self.configure("")

    def configure(self, more):
        """Writes its files; `more` is XML: a cluster, or TLS."""
        (self.folder / "config.xml").write_text(CONFIG.format(
            folder=self.folder, http=self.http, tcp=self.tcp, interserver=self.interserver, more=more), encoding="utf-8")
        (self.folder / "users.xml").write_text(USERS.format(password=PASSWORD), encoding="utf-8")

    def command(self):
        return [SERVER, "--config-file", str(self.folder / "config.xml")]

    def answers(self):
        try:
            return self.query("SELECT 1") == "1"
        except OSError:
            return False

    def wait_worker(self):
        """ON CLUSTER ends a server of 2018 (SIGSEGV) whose worker has not met ZooKeeper yet."""
        until(lambda: "DDLWorker: Processing tasks" in (self.folder / "server.log").read_text(errors="replace"), START_SECONDS,
              "the worker of ON CLUSTER")

    def query(self, sql, user="default", password="", **settings):
        """The answer's text, without its last newline; Refused with the engine's words."""
        words = urllib.parse.urlencode({"user": user, "password": password, **settings})
        try:
            with urllib.request.urlopen(f"{self.url}/?{words}", sql.encode(), timeout=self.seconds) as answer:
                return answer.read().decode().rstrip("\n")
        except urllib.error.HTTPError as refused:
            raise Refused(refused.read().decode()) from None

    def rows(self, sql, **words):
        """The answer as lists of texts."""
        return [line.split("\t") for line in self.query(sql, **words).splitlines()]


class ZooKeeper(Process):
    """One ZooKeeper."""

    def __init__(self, folder):
        super().__init__(folder)
        self.port = free_ports(1)[0]
        (folder / "zoo.cfg").write_text(ZOO.format(folder=folder, port=self.port), encoding="utf-8")
        (folder / "log4j.properties").write_text("log4j.rootLogger=OFF\n", encoding="utf-8")

    def command(self):
        return ["java", "-Xmx192m", "-XX:+UseSerialGC", "-cp", f"{self.folder}:{ZOOKEEPER_JAR}:/usr/share/java/*",
                "org.apache.zookeeper.server.quorum.QuorumPeerMain", str(self.folder / "zoo.cfg")]

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as asked:
                asked.sendall(b"isro")
                return asked.recv(4) == b"rw"  # before it serves it is alive already
        except OSError:
            return False


class Folder:
    """A temporary folder with servers in it; a context manager that ends them."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="balise-clickhouse-"))
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for process in self.processes:
            process.kill9()
        shutil.rmtree(self.folder, ignore_errors=True)


class Single(Folder):
    """One server, no replicas. With a certificate (and its key, in one file) for a host it is asked by https, by that name."""

    def __init__(self, certificate=None, host="localhost"):
        super().__init__()
        self.server = Server(self.folder / "single")
        self.addresses = [self.server.url]
        if certificate:
            https, = free_ports(1)
            self.server.configure(TLS.format(port=https, certificate=certificate))
            self.addresses = [f"https://{host}:{https}"]
        self.processes.append(self.server)
        try:
            self.server.start()
        except BaseException:
            self.close()
            raise

    def nodes(self):
        return self.addresses


class Cluster(Folder):
    """Two shards of two replicas and their ZooKeeper."""

    def __init__(self):
        super().__init__()
        try:
            self.zookeeper = ZooKeeper(self.folder / "zookeeper")
            self.processes.append(self.zookeeper)
            ports = free_ports(12)
            self.servers = {name: Server(self.folder / name, ports[3 * n:3 * n + 3])
                            for n, name in enumerate(("s1r1", "s1r2", "s2r1", "s2r2"))}
            self.processes += self.servers.values()
            for name, server in self.servers.items():
                server.configure(self.section(name))
            self.zookeeper.start()
            for server in self.servers.values():
                server.launch()
            for server in self.servers.values():
                server.wait_answers()
                server.wait_worker()
        except BaseException:
            self.close()
            raise

    def section(self, name):
        shards = "".join(
            "<shard><internal_replication>true</internal_replication>" + "".join(
                f"<replica><host>127.0.0.1</host><port>{self.servers[f's{shard}r{replica}'].tcp}</port></replica>"
                for replica in (1, 2)) + "</shard>" for shard in (1, 2))
        return (f"<remote_servers><{NAME}>{shards}</{NAME}></remote_servers>"
                f"<zookeeper><node><host>127.0.0.1</host><port>{self.zookeeper.port}</port></node>"
                "<session_timeout_ms>4000</session_timeout_ms></zookeeper>"
                f"<macros><shard>{name[1]}</shard><replica>{name}</replica></macros>"
                "<distributed_ddl><path>/clickhouse/balise/ddl</path></distributed_ddl>")

    def nodes(self):
        return [server.url for server in self.servers.values()]
