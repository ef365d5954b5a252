# SPDX-License-Identifier: EUPL-1.2
"""Two machines behind the HAProxy block that is delivered: one is killed, and no acknowledged view is lost."""
import datetime
import http.client
import json
import pathlib
import threading

from balise import ORIGIN, DESKTOP, address_in, view
from foreground import Foreground, replace
from machines import Machines
from wait import until

BLOCK = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "proxy" / "haproxy-two.cfg.example"
FRONT = """defaults
    timeout client 10s
frontend portal
    mode http
    bind 127.0.0.1:{port}
    http-request set-var(txn.balise_address) req.hdr(X-Test-Address)
    default_backend balise
"""


class HaProxy(Foreground):
    """The block as it stands but for the machines' addresses."""

    def __init__(self, machines):
        self._machines = machines
        super().__init__()

    def command(self):
        text = FRONT.format(port=self.port) + BLOCK.read_text(encoding="utf-8")
        for number, balise in enumerate(self._machines, 1):
            text = replace(text, f"192.0.2.1{number}:8080", f"127.0.0.1:{balise.public_port}")
        (self.folder / "haproxy.cfg").write_text(text, encoding="utf-8")
        return ["/usr/sbin/haproxy", "-db", "-f", str(self.folder / "haproxy.cfg")], {}


class Visitors(threading.Thread):
    """Send views one after the other until stopped; what was acknowledged is counted."""

    def __init__(self, port):
        super().__init__()
        self.port, self.sent, self.acknowledged, self.ended = port, 0, 0, False

    def run(self):
        while not self.ended:
            self.sent += 1
            try:
                self.acknowledged += self.send(self.sent) == 204
            except (OSError, http.client.HTTPException):
                pass

    def send(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/balise/b", json.dumps(view(lcp=900)), {
                "Origin": ORIGIN, "User-Agent": DESKTOP % 142, "Content-Type": "text/plain;charset=UTF-8",
                "X-Test-Address": address_in("FR-IDF", number % 200)})
            return connection.getresponse().status
        finally:
            connection.close()


def test_no_acknowledged_view_is_lost_when_one_of_two_is_killed(cluster):
    # The machine that is killed begins again on the port that HAProxy knows.
    with Machines(cluster, 2) as machines, HaProxy(machines) as proxy:
        visitors = Visitors(proxy.port)
        visitors.start()
        try:
            until(lambda: visitors.acknowledged > 200, 60, "views")
            machines[0].config["public"]["listen"] = [f"127.0.0.1:{machines[0].public_port}"]
            machines[0].write_config()
            machines[0].kill9()
            at = visitors.acknowledged
            until(lambda: visitors.acknowledged > at + 200, 60, "views while one machine is dead")
            machines[0].start()
            # It has forgotten who its visitors were, so that it needs k of them again to tell of the day.
            until(lambda: machines[0].outcomes()["accepted"] > 50, 60, "views of the machine that is back")
        finally:
            visitors.ended = True
            visitors.join()
        day = machines.close_day()
        answer = machines.complete(metric="lcp", by="page", from_=day, to=day + datetime.timedelta(days=1))
        counted = sum(row["views"] for row in answer["rows"])
        assert visitors.acknowledged <= counted <= visitors.sent
