# SPDX-License-Identifier: EUPL-1.2
"""Attacks for days too big for programs: every remainder between tables that are linked by totals, least cuts of what they
hide, and cells of different tables that are nearly the same."""
import collections
import itertools

import numpy
from scipy import sparse
from scipy.sparse import csgraph
from views import DIMENSIONS

K = 10
CHUNK = 250  # cells compared with all others at a time
RANGE_BLOCKS = 7  # a range of hours that somebody asks for, in blocks

# (rows, columns, cells, the dimension of rows, of columns)
TABLES = {
    "page x block": (("daily", "page"), ("hourly", "site"), ("hourly", "page")),
    "page x device": (("daily", "page"), ("daily", "device"), ("daily", "page+device")),
    "region x device": (("daily", "region"), ("daily", "device"), ("daily", "region+device")),
}
SITE = ("daily", "site")
LINES = (*(("daily", dimension) for dimension in DIMENSIONS), ("hourly", "site"))  # of one dimension, all beside each other


def weak_cells(day, k=K):
    """Told cells that have somebody, but fewer than k."""
    return [told for told in day.all if 0 < day.truth.heads(told.views) < k]


class Linked:
    """A two-dimensional table: for each row and column what of it no cell tells, as sets of views by (row, column)."""

    def __init__(self, day, name):
        rows, columns, cells = (day.of(margin) for margin in TABLES[name])
        self.truth = day.truth
        self.rows, self.columns = [set(t.views) for t in rows], [set(t.views) for t in columns]
        # A cell that spans several columns couples them, as a row of its own would.
        told = [set(t.views) for t in cells]
        shown = set().union(*told) if told else set()
        rest = set(range(len(self.truth.documents))).difference(*self.columns)
        self.columns += [rest] if rest else []  # what no column tells: a column without a total
        self.hidden = [[row & column - shown for column in self.columns] for row in self.rows]
        self.hidden += [[cell & column for column in self.columns] for cell in told
                        if sum(bool(cell & column) for column in self.columns) > 1]

    def remainders(self):
        """What is left of each row and each column."""
        for row in self.hidden:
            yield set().union(*row)
        for parts in zip(*self.hidden):
            yield set().union(*parts)

    def weak_remainders(self, k=K):
        return [views for views in self.remainders() if 0 < self.truth.heads(views) < k]

    def weak_cuts(self, k=K):
        """Least cuts between two columns that some, but fewer than k visitors cross (one who is in several cells counts
        several times: what is found is a leak)."""
        rows, columns = len(self.hidden), len(self.columns)
        weights = numpy.zeros((rows + columns, rows + columns), dtype=numpy.int32)
        for (r, row) in enumerate(self.hidden):
            for c, views in enumerate(row):
                weights[r, rows + c] = weights[rows + c, r] = self.truth.heads(views)
        graph = sparse.csr_matrix(weights)
        flows = ((a, b, csgraph.maximum_flow(graph, rows + a, rows + b).flow_value)
                 for a, b in itertools.combinations(range(columns), 2))
        return [(a, b, flow) for a, b, flow in flows if 0 < flow < k]


def ranges(day):
    """Sums of a page's or the site's neighbouring blocks, as an answer to a range of hours adds them."""
    by_label = collections.defaultdict(list)
    for told in day.of(("hourly", "page"), ("hourly", "site")):
        by_label[told.margin, told.label[1]].append((told.label[0], told.views))
    for (margin, label), blocks in by_label.items():
        blocks.sort()
        for first in range(len(blocks)):
            for end in range(first + 2, min(first + RANGE_BLOCKS, len(blocks)) + 1):
                yield ("hourly", margin), (label, blocks[first][0], end - first), list(
                    itertools.chain.from_iterable(views for _, views in blocks[first:end]))


def nearly_equal(day, k=K):
    """(pairs of told cells or ranges of different tables that differ by some, but fewer than k visitors; told cells)"""
    named = [((told.tier, told.margin), told.label, told.views) for told in day.all] + list(ranges(day))
    if not named:
        return [], 0
    kinds = {kind: number for number, kind in enumerate(dict.fromkeys(kind for kind, _, _ in named))}
    kind_of = numpy.array([kinds[kind] for kind, _, _ in named])
    starts = numpy.cumsum([0] + [len(views) for _, _, views in named])
    columns = [view for _, _, views in named for view in views]
    member = sparse.csr_matrix((numpy.ones(len(columns), numpy.int32), columns, starts), (len(named), len(day.truth.documents)))
    sizes = numpy.diff(starts)
    most = sum(sorted(collections.Counter(day.truth.visitors).values())[1 - k:])  # views of k - 1 visitors
    found = []
    for first in range(0, len(named), CHUNK):
        common = (member[first:first + CHUNK] @ member.T).toarray()
        apart = sizes[first:first + CHUNK, None] + sizes - 2 * common
        maybe = (apart > 0) & (apart <= most) & (kind_of[first:first + CHUNK, None] < kind_of)
        for one, other in zip(*numpy.nonzero(maybe)):
            pair = named[first + one], named[other]
            heads = day.truth.heads(set(pair[0][2]) ^ set(pair[1][2]))
            if heads < k:
                found.append((pair[0][:2], pair[1][:2], heads))
    return found, len(day.all)
