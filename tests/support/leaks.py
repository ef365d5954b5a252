# SPDX-License-Identifier: EUPL-1.2
"""Send everything about visitors that a request can carry to a running balise, and look for what stayed of it.

    flock = canary.Flock()
    with Balise() as balise:
        send_everything(balise, flock)
        in_files(balise, flock)      # {"data/open/2026-06-10.mdb: cookie as base64", ...}
        in_memory(balise, flock)     # the same of a core image of the process
"""
import os
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile

from balise import DESKTOP, MOBILE, ORIGIN, ask, run, view
from canary import Flock
from nginx import Nginx
from wait import until

IDENTIFIERS = ("email", "nir", "token", "session")
NOT_OURS = ("balise.json", "clock", "test.mmdb", "key.pem", "certificate.pem")  # of the test, in the server's folder


def agent(flock, name):
    """A browser's user agent with a canary in it."""
    return (DESKTOP % 142).replace("AppleWebKit", f"{flock[name]} AppleWebKit")


def headers(flock, place):
    """Every header that could name a visitor, each with a canary of its own."""
    return {
        "User-Agent": agent(flock, f"{place} user agent"),
        "Cookie": f"session={flock[f'{place} cookie']}; id={flock[f'{place} second cookie']}",
        "Authorization": f"Bearer {flock[f'{place} authorization']}",
        "Referer": f"{ORIGIN}/search?q={flock[f'{place} referrer']}",
        "Forwarded": f'for="[{flock.address(f"{place} forwarded")}]"',
        "X-Real-IP": flock.address(f"{place} real address"),
        "Accept-Language": flock[f"{place} language"],
        "Sec-CH-UA-Model": f'"{flock[f"{place} model"]}"',
        "X-Request-Id": flock[f"{place} request id"],
    }


def identifiers(flock, place):
    """An e-mail address, a number of the social security's length, a token and a session, all made up."""
    digits = str(int(flock[f"{place} number"][6:], 16))[:14]
    return {
        "email": flock.values.get(f"{place} email") or flock.add(f"{place} email", f"{flock[f'{place} name']}@portal.example"),
        "nir": flock.values.get(f"{place} nir") or flock.add(f"{place} nir", "2" + digits.ljust(14, "7")),
        "token": flock[f"{place} token"],
        "session": flock[f"{place} session"],
    }


def query(flock, place):
    """A query and a fragment of them."""
    found = identifiers(flock, place)
    return "?" + "&".join(f"{name}={value}" for name, value in found.items()) + f"#{flock[f'{place} fragment']}"


def bodies(flock, place):
    """Beacons, good and bad, with canaries in the path and in everything that is refused."""
    found = identifiers(flock, place)
    for name, value in found.items():
        yield view(f"/dossier/{value}", lcp=1200)
        yield view(f"/aide;jsessionid={value}", lcp=900)
        yield view(f"/recherche?{name}={value}")
        yield view(f"/recherche#{value}")
        yield view("/", user=value)
        yield view("/", type=value)
        yield f'{{"v":1,"path":"/{value}'.encode()
        yield f"{name}={value}".encode()
    yield view("/" + "/".join(found.values()) * 60)


def send(port, flock, place, path="/balise/b", address_header="X-Forwarded-For", connection=None):
    """Beacons from as many visitors over HTTP/1.1, and every verdict but an accepted one."""
    for number, body in enumerate(bodies(flock, place)):
        said = {**headers(flock, place), "Origin": ORIGIN, address_header: flock.address(f"{place} address {number}")}
        data = body if isinstance(body, bytes) else view_bytes(body)
        ask(port, "POST", path + query(flock, f"{place} url"), said, data, connection)
    for change in ({"Sec-GPC": "1"}, {"DNT": "1"}, {"Origin": f"https://{flock[f'{place} origin']}.example"}, {"Origin": None},
                   {"User-Agent": f"{flock[f'{place} robot']} bot"}, {address_header: flock[f"{place} no address"]}):
        said = {**headers(flock, place), "Origin": ORIGIN, address_header: flock.address(f"{place} address"), **change}
        ask(port, "POST", path, {name: value for name, value in said.items() if value}, view_bytes(view("/")), connection)
    for method in ("GET", "PUT", "DELETE"):
        for other in (path, "/balise/privacy", "/balise/b.js", f"/{flock[f'{place} unknown path']}"):
            ask(port, method, other + query(flock, f"{place} other url"), headers(flock, place), None, connection)
    form = f"objection=yes&name={flock[f'{place} form']}".encode()
    ask(port, "POST", "/balise/privacy", {**headers(flock, place), "Content-Type": "application/x-www-form-urlencoded"}, form, connection)


def view_bytes(body):
    return repr(body).replace("'", '"').encode()


def malformed(port, flock, place, wrap=lambda sock: sock):
    """What is no request, or breaks off in the middle of one."""
    line, header = flock[f"{place} request line"], flock[f"{place} header"]
    good = f"POST /balise/b HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nCookie: {flock[f'{place} broken cookie']}\r\n"
    body = flock[f"{place} broken body"]
    for text in (
        f"{line}\r\n\r\n", f"GET /{line} HTTP/9.9\r\n\r\n", f"GET /{line}", f"GET / HTTP/1.1\r\n{header}\r\n\r\n",
        f"GET / HTTP/1.1\r\nX: {header * 4000}\r\n\r\n", good, good + f"Content-Length: 100\r\n\r\n{body}",
        good + f"Content-Length: {body}\r\n\r\n", good + f"Transfer-Encoding: chunked\r\n\r\n{body}\r\n",
        good + f"Transfer-Encoding: chunked\r\n\r\n20\r\n{body}", good + f"Content-Length: 99999999\r\n\r\n{body * 200}",
        f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{line}{header}" * 3, f"\0\1\2{line}",
    ):
        with wrap(socket.create_connection(("127.0.0.1", port), 20)) as sock:
            try:
                sock.sendall(text.encode())
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
            except OSError:
                pass  # it was ended for what it sent


def curl(flock, place, url, *words):
    """One beacon by curl, which speaks HTTP/2."""
    said = [word for name, value in headers(flock, place).items() for word in ("-H", f"{name}: {value}")]
    subprocess.run(
        ["curl", "-sk", "--max-time", "20", "-o", os.devnull, "-H", f"Origin: {ORIGIN}", *said,
         "-H", f"X-Forwarded-For: {flock.address(f'{place} address')}", "--data-binary", view_bytes(view("/", lcp=700)).decode(),
         *words, f"{url}/balise/b{query(flock, place).partition('#')[0]}"], check=False)


def ask_privately(balise, flock):
    """What people who work with the numbers send: their tokens are canaries too, and so is what they ask about."""
    flock.add("analyst token", balise.token(), digests=False)  # its BLAKE2b is what a token is known by
    balise.ask_kpi(metric="lcp", by="page", page=f"/{flock['asked page']}")
    for path in (f"/api/v1/kpi?site={flock['asked site']}", f"/{flock['asked path']}", "/api/v1/kpi"):
        balise.private("GET", path, token=flock["wrong token"], headers={"User-Agent": flock["analyst agent"], "Cookie": flock["analyst cookie"]})


def send_everything(balise, flock):
    """Through the proxy, past it, by HTTP/2, and to the private side; all connections are closed at the end."""
    with Nginx(("127.0.0.1", balise.public_port)) as nginx:
        send(nginx.port, flock, "proxied", address_header="X-Test-Address")
        malformed(nginx.port, flock, "proxied")
    send(balise.public_port, flock, "direct")
    malformed(balise.public_port, flock, "direct")
    curl(flock, "h2c", f"http://127.0.0.1:{balise.public_port}", "--http2-prior-knowledge")
    curl(flock, "upgrade", f"http://127.0.0.1:{balise.public_port}", "--http2")
    ask_privately(balise, flock)
    wait_closed(balise)


def send_everything_by_tls(balise, flock):
    """The same to a listener of TLS, and what is no TLS."""
    url = f"https://127.0.0.1:{balise.public_port}"
    curl(flock, "h2 by TLS", url, "--http2")
    curl(flock, "h1 by TLS", url, "--http1.1")
    context = ssl._create_unverified_context()  # pylint: disable=protected-access
    name = flock["server name"]
    malformed(balise.public_port, flock, "broken by TLS", lambda sock: context.wrap_socket(sock, server_hostname=f"{name}.example"))
    malformed(balise.public_port, flock, "without TLS")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_REQUIRED  # nobody signed it: the client breaks off
    for context in (old,):
        try:
            context.wrap_socket(socket.create_connection(("127.0.0.1", balise.public_port), 20), server_hostname=flock["other name"])
        except OSError:
            pass
    wait_closed(balise)


def wait_closed(balise):
    until(lambda: balise.metrics()["balise_connections"] == 0, 30, "no connection of the public side")


def letters(text):
    """A name that no mask takes for an identifier."""
    return re.sub("[0-9]", lambda digit: "ghijklmnop"[int(digit[0])], text)


def visit_small_pages(balise, flock, pages=40):
    """Pages of two visitors, whose names nothing about them gives away: known while their day is open, and never again."""
    for number in range(pages):
        name = flock.add(f"small page {number}", "/" + letters(flock[f"seed {number}"]))
        for _ in range(2):
            assert balise.post(view(name)).status == 204


def locked_mappings(pid):
    """[(from, to)] of the mappings that are locked and in no core image, largest first."""
    found, at = [], None
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text(encoding="ascii").splitlines():
        begin = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
        if begin:
            at = int(begin[1], 16), int(begin[2], 16)
        elif line.startswith("VmFlags:") and {"lo", "dd"} <= set(line.split()):
            found.append(at)
    return sorted(found, key=lambda span: span[0] - span[1])


def read_memory(pid, span):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(span[0])
        return memory.read(span[1] - span[0])


def add_secrets(balise, flock, at_most=400):
    """Take keys and visitors sketches out of the locked memory: they must be found nowhere else."""
    image = read_memory(balise.process.pid, locked_mappings(balise.process.pid)[0])
    words = {image[at:at + 16] for at in range(0, len(image), 16)}
    words = sorted(word for word in words if len(set(word)) >= 12)[:at_most]
    for word in words:
        flock.add_bytes("locked memory", word)
    return len(words)


def tracers(balise, flock=None):
    """The tracers of all the files that the server has now: of what is written anew none is in it."""
    flock = flock or Flock()
    for path in balise.data.rglob("*.mdb"):
        for number, found in enumerate(re.findall(b"\0tracer(.{32})", path.read_bytes(), re.DOTALL)):
            flock.add_bytes(f"tracer {number} of {path.parent.name}/{path.name}", found)
    return flock


def back_up(balise, name):
    """`balise backup` into a folder beside the data folder, where in_files() looks too."""
    done = run("backup", "--quiet", "--config", balise.config_path, balise.folder / name, environment=balise.environment())
    assert done.returncode == 0, done.stderr


def files_of(balise):
    """{name: path} of everything on disk that the server has, open but deleted files too."""
    found = {}
    for path in balise.folder.rglob("*"):
        if path.is_file() and path.name not in NOT_OURS:
            found[str(path.relative_to(balise.folder))] = path
    if balise.process:
        for descriptor in pathlib.Path(f"/proc/{balise.process.pid}/fd").iterdir():
            try:
                target = os.readlink(descriptor)
            except FileNotFoundError:  # closed since it was listed
                continue
            if target.endswith("(deleted)") or "memfd:" in target:
                found[f"open: {target}"] = descriptor
    return found


def in_files(balise, flock, only=""):
    """{"file: canary"}: what is in the server's files, its log among them."""
    found = set()
    for name, path in files_of(balise).items():
        if only in name:
            with open(path, "rb") as file:
                found |= {f"{name}: {what}" for what in flock.found(file)}
    return found


def in_memory(balise, flock):
    """[canary, ...] of every occurrence in a core image of the server."""
    with tempfile.TemporaryDirectory(prefix="balise-core-") as folder:
        pid = balise.process.pid
        done = subprocess.run(["gcore", "-o", f"{folder}/core", str(pid)], capture_output=True, text=True, check=False)
        core = pathlib.Path(f"{folder}/core.{pid}")
        assert core.exists(), done.stdout + done.stderr
        with open(core, "rb") as file:
            return [name for _, name in flock.places(file)]


def h2_requests(port, requests):
    """Requests, each a dictionary of headers, over one connection of HTTP/2 without TLS whose every header is announced
    for the table of compression; the open socket, once each was answered."""
    def frame(kind, flags, stream, payload=b""):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    def text(value):
        return bytes([len(value)]) + value.encode()

    sock = socket.create_connection(("127.0.0.1", port), 20)
    sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
    for number, said in enumerate(requests):
        fields = {":method": "GET", ":scheme": "http", ":path": "/.well-known/gpc.json", ":authority": "portal.example", **said}
        sent += frame(1, 5, 2 * number + 1, b"".join(b"\x40" + text(name) + text(value) for name, value in fields.items()))
    sock.sendall(sent)
    got = b""
    ended = 0
    while ended < len(requests):
        got += sock.recv(65536)
        ended, at = 0, 0
        while at + 9 <= len(got):
            ended += got[at + 3] in (0, 1) and got[at + 4] & 1
            at += 9 + int.from_bytes(got[at:at + 3], "big")
    return sock
