# SPDX-License-Identifier: EUPL-1.2
"""Many views at once, to machines that may be killed meanwhile; and what kills them."""
import concurrent.futures
import json
import socket
import threading

from balise import DESKTOP, MOBILE, ORIGIN, address_in, view
from wait import until

REGIONS = ("FR-IDF", "FR-BRE", "FR-ARA")
KINDS = ("machine", "replica", "zookeeper")
LINES, ON_A_LINE = 24, 5  # connections of a flood, and requests on each before an answer is awaited
SECONDS = 120


def crowd(machine, count, pages=6):
    """Views of as many visitors, some pages of which are too rare to be told."""
    return [(view(f"/page-{min(n % 37, pages)}", lcp=300 + 17 * (n % 97), fcp=200 + 5 * (n % 89)),
             {"address": address_in(REGIONS[n % 3], 80 * machine + n // 3), "user_agent": (DESKTOP, MOBILE)[n % 2] % 142})
            for n in range(count)]


def request(beacon, address, user_agent):
    body = json.dumps(beacon)
    return (f"POST /balise/b HTTP/1.1\r\nHost: portal.example\r\nOrigin: {ORIGIN}\r\nUser-Agent: {user_agent}\r\nX-Forwarded-For: {address}\r\n"
            f"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


class Flood:
    """The posts over and over until `count` of them have been acknowledged, however often the machine is killed meanwhile."""

    def __init__(self, balise, posts):
        self.balise = balise
        self.requests = [request(beacon, **words) for beacon, words in posts]
        self.sent = self.acknowledged = 0

    def run(self, count):
        wanted = self.acknowledged + count
        while self.acknowledged < wanted:
            lines = until(self._connect, SECONDS, "a machine that listens")
            try:
                while self.acknowledged < wanted:
                    self._turn(lines)
            except ConnectionError:
                pass
            finally:
                for line in lines:
                    line.close()

    def _connect(self):
        try:
            return [socket.create_connection(("127.0.0.1", self.balise.public_port), SECONDS) for _ in range(LINES)]
        except OSError:
            return None

    def _turn(self, lines):
        for line in lines:
            next_ones = [self.requests[(self.sent + n) % len(self.requests)] for n in range(ON_A_LINE)]
            self.sent += ON_A_LINE
            line.sendall(b"".join(next_ones))
        for line in lines:
            self._take(line)

    def _take(self, line):
        answers, taken = b"", 0
        while taken < ON_A_LINE:
            more = line.recv(65536)
            if not more:
                raise ConnectionResetError
            answers += more
            *whole, answers = answers.split(b"\r\n\r\n")
            for answer in whole:
                assert answer.startswith(b"HTTP/1.1 204 "), answer
            taken += len(whole)
            self.acknowledged += len(whole)


class Strikes:
    """While it is open, something is killed and started again, and the next, and `least` of them in all. Machines, replicas and ZooKeeper
    are meant by kinds."""

    def __init__(self, cluster, machines, chance, kinds=KINDS, least=1):
        self.chance, self.least, self.count = chance, least, 0
        self.victims = {"machine": machines.balise, "replica": list(cluster.servers.values()), "zookeeper": [cluster.zookeeper]}
        self.kinds = kinds
        self.ended = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.running = None

    def __enter__(self):
        self.running = self.pool.submit(self._run)
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.pool.shutdown()
        self.running.result()

    def _run(self):
        while self.count < self.least or not self.ended.is_set():
            self.ended.wait(self.chance.random() / 5)
            victim = self.chance.choice(self.victims[self.chance.choice(self.kinds)])
            victim.kill9()
            victim.start()
            self.count += 1
