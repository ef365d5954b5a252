# SPDX-License-Identifier: EUPL-1.2
"""The disk as a power cut leaves it, from a record of changes (control.h). What was synced is there. What was not may be
there, wholly, in part (by sectors of 512 bytes) or not at all; the change that was under way too. Names (creations,
renames, removals) are durable once their folder was synced; until then a part of them is, in their order. What a failed
sync should have brought to the disk is lost for good, unless its page is written again: the kernel takes it for clean."""
import collections
import struct

SECTOR, PAGE = 512, 4096
Change = collections.namedtuple("Change", "what durable lost inode offset path path2 data")


def read_record(path):
    """The changes of a record, in their order."""
    data, at, changes = path.read_bytes(), 0, []
    head = struct.Struct("=c3B3I2Q")
    while at < len(data):
        what, durable, lost, _, path1, path2, length, inode, offset = head.unpack_from(data, at + 0)
        at += head.size
        parts = []
        for size in (path1, path2, length):
            parts.append(data[at:at + size])
            at += size
        changes.append(Change(what.decode(), bool(durable), bool(lost), inode, offset, parts[0].decode(), parts[1].decode(), parts[2]))
    return changes


def _put(image, offset, data):
    if len(image) < offset:
        image.extend(bytes(offset - len(image)))
    image[offset:offset + len(data)] = data


class File:
    """cache: what programs read; disk: what is sure to stay; waiting: written and not synced; lost: sectors of failed syncs."""

    def __init__(self):
        self.cache, self.disk = bytearray(), bytearray()
        self.waiting = []
        self.lost = {}

    def write(self, offset, data, durable, lost):
        _put(self.cache, offset, data)
        first = offset // PAGE * PAGE
        end = min(-(-(offset + len(data)) // PAGE) * PAGE, len(self.cache))
        pages = (first, bytes(self.cache[first:end]))  # the kernel writes whole pages
        if lost:
            self._lose(*pages)
        elif durable:
            self._make_durable(pages)
        else:
            self.waiting.append(pages)

    def resize(self, size):
        if size < len(self.cache):
            del self.cache[size:]
        else:
            self.cache.extend(bytes(size - len(self.cache)))
        last = size // PAGE * PAGE
        self.waiting.append((None, size))
        if size > last:
            self.waiting.append((last, bytes(self.cache[last:size])))

    def _make_durable(self, change):
        self.apply(self.disk, change)
        if change[0] is not None:
            for sector in range(change[0], change[0] + len(change[1]), SECTOR):
                self.lost.pop(sector, None)

    def _lose(self, offset, data):
        for at in range(0, len(data), SECTOR):
            self.lost[offset + at] = data[at:at + SECTOR]

    def sync(self):
        for change in self.waiting:
            self._make_durable(change)
        self.waiting = []

    def lose(self):
        for offset, data in self.waiting:
            if offset is not None:
                self._lose(offset, data)
        self.waiting = []

    @staticmethod
    def apply(image, change):
        offset, data = change
        if offset is not None:
            _put(image, offset, data)
        elif data < len(image):
            del image[data:]
        else:
            image.extend(bytes(data - len(image)))

    def after_cut(self, chance, how):
        """The bytes after a power cut. how: none, all or some of what was not synced."""
        image = bytearray(self.disk)
        for change in [(at, data) for at, data in self.lost.items()] + self.waiting:
            if how == "all":
                self.apply(image, change)
            elif how == "some" and chance.random() < 0.6:
                self.apply(image, change if change[0] is None else torn(change, chance))
        return image


def torn(change, chance):
    """A write of which not all sectors have arrived; half the time, all have."""
    offset, data = change
    if chance.random() < 0.5 or len(data) <= SECTOR:
        return change
    kept = chance.randrange(len(data) // SECTOR) * SECTOR
    return (offset, data[:kept]) if chance.random() < 0.5 else (offset + kept, data[kept:])


class Disk:
    """All files of a folder, after so many changes."""

    def __init__(self, root):
        self.root = root
        self.files = {}  # by inode: a number is used again
        self.names, self.folders = {}, {str(root)}
        self.waiting = []  # changes of names

    def change(self, change):
        if change.what == "C":
            self.files[change.inode] = File()
            self.waiting.append(("C", change.path, self.files[change.inode]))
        elif change.what in "DRXU":
            self.waiting.append((change.what, change.path, change.path2))
        elif change.what == "F":
            self._sync_folder(change.path)
        else:
            self._change_file(self.files[change.inode], change)

    @staticmethod
    def _change_file(file, change):
        if change.what == "W":
            file.write(change.offset, change.data, change.durable, change.lost)
        elif change.what == "T":
            file.resize(change.offset)
        elif change.what == "A":
            file.resize(max(change.offset, len(file.cache)))
        elif change.what == "S":
            file.sync()
        else:
            assert change.what == "L", change
            file.lose()

    def _sync_folder(self, folder):
        folder = folder.rstrip("/")
        left = []
        for waiting in self.waiting:
            if waiting[1].rpartition("/")[0] == folder:
                self._rename(self.names, self.folders, waiting)
            else:
                left.append(waiting)
        self.waiting = left

    @staticmethod
    def _rename(names, folders, waiting):
        what, path, other = waiting
        if what == "C":
            names[path] = other
        elif what == "D":
            folders.add(path)
        elif what == "R":
            names[other] = names.pop(path)
        elif what == "X":
            names[path], names[other] = names[other], names[path]
        else:
            names.pop(path)

    def cut(self, target, chance, how, next_change=None):
        """Write the folder as it may be after a power cut now, or in the middle of the next change."""
        names, folders = dict(self.names), set(self.folders)
        count = {"none": 0, "all": len(self.waiting), "some": chance.randint(0, len(self.waiting))}[how]
        for waiting in self.waiting[:count]:
            self._rename(names, folders, waiting)
        for folder in sorted(folders):
            (target / folder[len(str(self.root)):].lstrip("/")).mkdir(parents=True, exist_ok=True)
        for path, file in names.items():
            image = file.after_cut(chance, how)
            if how == "some" and next_change and next_change.what == "W" and self.files.get(next_change.inode) is file:
                file.apply(image, torn((next_change.offset, next_change.data), chance))
            (target / path[len(str(self.root)) + 1:]).write_bytes(image)
