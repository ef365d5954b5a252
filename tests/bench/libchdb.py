# SPDX-License-Identifier: EUPL-1.2
"""A current ClickHouse: its engine as a library (npm's @chdb/lib-linux-x64-gnu), in a process of its own that answers queries
on its standard input. There is no server, and no time of one: what a query takes is measured by whoever asks."""
import ctypes
import json
import pathlib
import subprocess
import sys

import clickhouse
from machine import Process

LIBRARY = pathlib.Path(__file__).parent / "chdb" / "node_modules" / "@chdb" / "lib-linux-x64-gnu" / "libchdb.so"


class LibChdb:
    """The same questions as clickhouse.ClickHouse; `program` tells its CPU time and memory."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, "-B", __file__, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.program = Process(self.process.pid)

    def ask(self, query):
        self.process.stdin.write(json.dumps(query) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        if told["error"]:
            raise RuntimeError(f"libchdb: {told['error']}")
        return told["answer"].strip()

    def insert(self, rows):
        self.ask(f"INSERT INTO views SELECT * FROM file('{rows}', 'RowBinary', '{clickhouse.COLUMNS}')")

    def disk_bytes(self, table):
        self.ask(f"OPTIMIZE TABLE {table} FINAL")
        return int(self.ask(f"SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = '{table}'"))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)


def _serve(folder):
    library = ctypes.CDLL(str(LIBRARY))
    library.chdb_connect.restype = ctypes.POINTER(ctypes.c_void_p)
    library.chdb_query.restype = ctypes.c_void_p
    library.chdb_query.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    for name, told in (("buffer", ctypes.c_void_p), ("length", ctypes.c_size_t), ("error", ctypes.c_char_p)):
        function = getattr(library, f"chdb_result_{name}")
        function.restype, function.argtypes = told, [ctypes.c_void_p]
    library.chdb_destroy_query_result.argtypes = [ctypes.c_void_p]
    words = [b"clickhouse", f"--path={folder}".encode(), b"--max_threads=2"]
    connection = library.chdb_connect(len(words), (ctypes.c_char_p * len(words))(*words))
    for line in sys.stdin:
        result = library.chdb_query(connection[0], json.loads(line).encode(), b"TabSeparated")
        error = library.chdb_result_error(result)
        answer = ctypes.string_at(library.chdb_result_buffer(result), library.chdb_result_length(result)) if not error else b""
        print(json.dumps({"error": (error or b"").decode(errors="replace")[:500], "answer": answer.decode(errors="replace")}), flush=True)
        library.chdb_destroy_query_result(result)


if __name__ == "__main__":
    _serve(sys.argv[1])
