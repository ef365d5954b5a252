# SPDX-License-Identifier: EUPL-1.2
"""Reads an audit log by its description in include/balise/audit.h, without balise."""
import hashlib
import urllib.parse


class Record:
    """One record: n, time, what, fields (decoded), prev and hash in hexadecimal."""

    def __init__(self, line):
        words = [word.partition("=") for word in line.split(" ")]
        pairs = {key: urllib.parse.unquote(value) for key, _, value in words}
        self.n, self.time, self.what = int(pairs.pop("n")), pairs.pop("time"), pairs.pop("what")
        self.prev, self.hash, self.sig = pairs.pop("prev"), pairs.pop("hash"), pairs.pop("sig")
        self.fields = pairs
        self.anchor = f"{self.n}:{self.hash}"
        content = line.partition(" hash=")[0].encode()
        assert hashlib.blake2b(content, digest_size=32).hexdigest() == self.hash, line


def records(data, what=None):
    """The records of a data folder, each one's hash checked and the chain too; only those of a kind if one is named."""
    path = data / "audit.log"
    text = path.read_text(encoding="ascii") if path.exists() else ""
    found = [Record(line) for line in text.split("\n")[:-1]]  # what has no end yet is being written
    for number, record in enumerate(found):
        assert record.n == number + 1 and record.prev == (found[number - 1].hash if number else "0" * 64)
    return [record for record in found if what in (None, record.what)]
