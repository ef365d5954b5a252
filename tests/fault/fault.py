# SPDX-License-Identifier: EUPL-1.2
"""A server between which and libc a library of ours stands (control.h): chosen calls fail while it runs, and every change
of its folder can be written down.

    with Faulty() as balise:
        balise.fault.arm("sync", before=3, code=errno.EIO)
"""
import errno
import mmap
import pathlib
import struct

from balise import Balise, executable

KINDS = ("none", "memory", "open", "read", "write", "sync", "truncate", "accept", "map", "name", "put")
FOREVER = 1 << 62
MAP_FULL = -30792  # of lmdb.h
ONLY_AT, ONLY_BYTES = 8 * (7 + len(KINDS)), 64
CODES = {"memory": errno.ENOMEM, "open": errno.EMFILE, "read": errno.EIO, "write": errno.EIO, "sync": errno.EIO,
         "truncate": errno.ENOSPC, "accept": errno.EMFILE, "map": errno.ENOMEM, "name": errno.ENOSPC, "put": MAP_FULL}


def library():
    """Built beside the executable under test."""
    return pathlib.Path(executable()).parent / "tests/fault/libbalise-fault.so"


class Fault:
    """The mapped control of one server."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(ONLY_AT + ONLY_BYTES))
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def _get(self, index):
        return struct.unpack_from("=q", self._map, 8 * index)[0]

    def _put(self, index, number):
        struct.pack_into("=q", self._map, 8 * index, number)

    def arm(self, kind, before=0, times=1, code=None, done=False, only=""):  # pylint: disable=too-many-arguments
        """Let calls of a kind fail: the first `before` still succeed, then `times` fail. only: on files with this in their
        path. done: what a failing write was to do is done all the same."""
        self.clear()
        self._map[ONLY_AT:ONLY_AT + ONLY_BYTES] = only.encode().ljust(ONLY_BYTES, b"\0")
        for index in range(7, 7 + len(KINDS)):
            self._put(index, 0)
        self._put(5, 0)
        for index, number in ((1, before), (2, times), (3, CODES[kind] if code is None else code), (4, done), (0, KINDS.index(kind))):
            self._put(index, number)

    def clear(self):
        """Nothing fails from now on."""
        self._put(0, 0)

    @property
    def failed(self):
        """How many calls have failed since it was armed."""
        return self._get(5)

    @property
    def recorded(self):
        """How many changes have been written down."""
        return self._get(6)

    def seen(self, kind):
        """How many calls of a kind there were since it was armed."""
        return self._get(7 + KINDS.index(kind))


class Faulty(Balise):
    """A server with the library before it; not started yet."""

    def __init__(self, config=None, record=False, **words):
        self.fault = None
        self.is_recorded = record
        super().__init__(config, running=False, **words)
        self.fault = Fault(self.folder / "fault")

    def environment(self):
        more = {"LD_PRELOAD": str(library()), "BALISE_FAULT": str(self.fault.path), "BALISE_FAULT_FOLDER": str(self.data)}
        if self.is_recorded:
            more["BALISE_FAULT_RECORD"] = str(self.folder / "record")
        return {**super().environment(), **more}
