#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""Draw the demo portal's picture: hills at dusk in grains of four colours.

Browsers pass over an image that holds next to no information when they look for the largest
contentful paint, so that a flat drawing would not do. The grain comes from a fixed seed: the
same picture every time.

Usage: make-image.py > portal/collines.png
"""
import math
import random
import struct
import sys
import zlib

WIDTH, HEIGHT, SEED = 640, 320, 2026
COLOURS = [(250, 236, 214), (232, 186, 140), (92, 116, 150), (38, 54, 92)]


def shade(x, y):
    """How dark a point is, from 0 to 3: a sky that fades, then two lines of hills."""
    far = 0.55 * HEIGHT + 18 * math.sin(x / 70) + 9 * math.sin(x / 23)
    near = 0.75 * HEIGHT + 22 * math.sin(x / 110 + 2) + 6 * math.sin(x / 31)
    if y > near:
        return 2.8
    if y > far:
        return 2.0
    return 1.5 * (1 - y / HEIGHT)


def rows(grain):
    for y in range(HEIGHT):
        line = bytearray([0])
        for x in range(0, WIDTH, 4):
            packed = 0
            for step in range(4):
                index = math.floor(shade(x + step, y) + grain.random())
                packed = packed << 2 | min(max(index, 0), 3)
            line.append(packed)
        yield bytes(line)


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png():
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 2, 3, 0, 0, 0)
    palette = b"".join(bytes(colour) for colour in COLOURS)
    pixels = zlib.compress(b"".join(rows(random.Random(SEED))), 9)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"PLTE", palette)
            + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


if __name__ == "__main__":
    sys.stdout.buffer.write(png())
