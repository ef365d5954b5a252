# SPDX-License-Identifier: EUPL-1.2
"""A server of a test's own."""
import threading


class Loopback:
    """Runs an http.server of a free port in a thread, from serve() to the end of a `with`."""

    def serve(self, server):
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
