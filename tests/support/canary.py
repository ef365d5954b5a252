# SPDX-License-Identifier: EUPL-1.2
"""Canaries: texts that occur nowhere else, sent in every place of a request, and looked for wherever they could stay.

    flock = Flock()                       # what is sent
    flock["cookie"]                       # one of them
    flock.found(data)                     # {"cookie as base64", ...} in some bytes

A canary is looked for as it was sent and as a program might have kept it: in upper and lower case, percent-encoded, in
hexadecimal, in base64 at each of its three alignments, in UTF-16, and as the SHA-256, BLAKE2b or MD5 of it without a
key. Addresses are also looked for as their 16 bytes, in both orders, and written out in full. Short ones would be met
by chance: each form has at least 8 bytes.
"""
import base64
import hashlib
import ipaddress
import pathlib
import subprocess
import tempfile
import urllib.parse
import uuid

from balise import ROOT, executable

LEAST_BYTES = 8
# Of the build under test; a mutant's executable stands alone, and so does what is released.
OF_BUILD = pathlib.Path(executable()).parent / "tests" / "tools" / "balise-seek"
SEEK = OF_BUILD if OF_BUILD.exists() else ROOT / "build" / "dev" / "tests" / "tools" / "balise-seek"


def _aligned_base64(data):
    """What base64 of some text that contains these bytes contains, wherever they begin in it."""
    for lead in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(b"\0" * lead + data)
            begin = (0, 2, 3)[lead]  # the first characters depend on what is before
            end = (len(data) + lead) // 3 * 4  # and the last ones on what is after
            yield whole[begin:end]


def _forms(data):
    """{bytes to look for: how they are written} of one text or binary value."""
    yield data, "bytes"
    yield data[::-1], "bytes backwards"
    yield data.lower(), "lower case"
    yield data.upper(), "upper case"
    yield data.hex().encode(), "hexadecimal"
    yield data.hex().upper().encode(), "upper hexadecimal"
    yield "".join(f"%{byte:02X}" for byte in data).encode(), "percent"
    yield "".join(f"%{byte:02x}" for byte in data).encode(), "lower percent"
    yield urllib.parse.quote(data, safe="").encode(), "percent where needed"
    for text in _aligned_base64(data):
        yield text, "base64"
    if data.isascii():
        yield data.decode().encode("utf-16-le"), "UTF-16"
        yield data.decode().encode("utf-16-be"), "UTF-16 BE"


def _digests(data):
    """(name, digest): what anybody could compute again from a guess."""
    for name in ("sha256", "md5"):
        yield name, hashlib.new(name, data).digest()
    for size in (16, 32, 64):
        yield f"blake2b-{8 * size}", hashlib.blake2b(data, digest_size=size).digest()


def forms(value, digests=True):
    """Every way in which a canary could have been kept, {bytes: name}."""
    found = {}
    values = [value.encode()]
    try:
        address = ipaddress.IPv6Address(value)
        values += [address.packed, address.exploded.encode()]
    except ValueError:
        pass
    for data in values:
        for written, name in _forms(data):
            if len(written) >= LEAST_BYTES:
                found.setdefault(written, name)
        for name, digest in _digests(data) if digests else ():
            found.setdefault(digest, name)
            found.setdefault(digest.hex().encode(), f"{name} in hexadecimal")
    return found


class Flock:
    """Canaries by name, made at the first use of the name and never the same again."""

    def __init__(self):
        self.values = {}
        self._forms = {}

    def __getitem__(self, name):
        if name not in self.values:
            self.add(name, f"canary{uuid.uuid4().hex[:20]}")
        return self.values[name]

    def add(self, name, value, digests=True):
        """A value that has a form of its own, such as an address; returned. digests: False when the program keeps one."""
        self.values[name] = value
        for written, form in forms(value, digests).items():
            self._forms.setdefault(written, f"{name} as {form}")
        return value

    def add_bytes(self, name, data):
        """A binary value that must not be found anywhere."""
        for written, form in _forms(data):
            self._forms.setdefault(written, f"{name} as {form}")

    def address(self, name):
        """An address of the documentation range, in a /48 of its own."""
        bits = uuid.uuid4().int
        return self.values.get(name) or self.add(
            name, str(ipaddress.IPv6Address(0x20010DB8 << 96 | (bits & (1 << 96) - 1))))

    def places(self, data):
        """[(offset, name)] of every occurrence in bytes, or in an open file of them, in the order of the offsets."""
        names = list(self._forms.items())
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as patterns:
            patterns.writelines(f"{written.hex()}\n" for written, _ in names)
            patterns.flush()
            stream = {"input": data} if isinstance(data, bytes) else {"stdin": data}
            done = subprocess.run([SEEK, patterns.name], check=True, stdout=subprocess.PIPE, **stream)
        lines = [line.split() for line in done.stdout.splitlines()]
        return sorted((int(offset), names[int(number)][1]) for offset, number in lines)

    def found(self, data):
        """Which canaries are there, and how they are written."""
        return {name for _, name in self.places(data)}
