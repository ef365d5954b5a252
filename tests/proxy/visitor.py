# SPDX-License-Identifier: EUPL-1.2
"""Requests by HTTP/1.1 over TLS, from any address: the PROXY protocol names it before TLS begins."""
import contextlib
import http.client
import socket
import ssl

ADDRESS = "198.51.100.77"


@contextlib.contextmanager
def connected(proxy, address=ADDRESS):
    """A connection that the proxy takes for one of that address."""
    family, here = ("TCP6", "2001:db8:ffff::1") if ":" in address else ("TCP4", "192.0.2.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", proxy.told_port), 10)
    connection = http.client.HTTPConnection("portal.example", timeout=10)
    try:
        plain.sendall(f"PROXY {family} {address} {here} 40000 443\r\n".encode())
        connection.sock = context.wrap_socket(plain, server_hostname="portal.example")
        yield connection
    finally:
        connection.close()
        plain.close()


def ask(proxy, method, path, headers=None, body=None, address=ADDRESS):
    """One request; (answer, its whole body)."""
    with connected(proxy, address) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer, answer.read()
