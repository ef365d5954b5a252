# SPDX-License-Identifier: EUPL-1.2
"""The rules of what may be told, written from their published text (include/balise/fold.h, split.h, hub.h, grid.h,
histogram.h) and nothing else: no code is shared with the server. Pure: labels, numbers and dictionaries."""
import bisect
import collections
import math

K = 10
OTHER = "(other)"


# ---- one dimension: fold.h ----

def fold(cells, own, union, k=K):
    """The labels that make up "(other)"; None when the table is not told. `cells` is label -> (visitors, views), `own` the
    label of the table's own "(other)", `union` the distinct visitors of several labels together."""
    hidden = [label for label, (visitors, _) in cells.items() if label == own or visitors < k]
    shown = sorted((label for label in cells if label not in hidden), key=lambda label: (*cells[label], label.encode()))

    def is_safe():
        return not hidden or (union(hidden) >= k and (len(hidden) > 1 or hidden == [own]))

    while shown and not is_safe():
        hidden.append(shown.pop(0))
    if not shown and (not hidden or union(hidden) < k):
        return None
    return hidden


def absorb(labels, visitors):
    """What is folded next where a table may not be told so: the labels of told classes that "(other)" takes; None when one
    class would be left."""
    shown = sorted((label for label in labels if label != OTHER), key=lambda label: (visitors[label], label.encode()))
    taken = shown[:1 if OTHER in labels else 2]
    return taken if len(shown) > len(taken) else None


# ---- two tables beside each other: link.h ----

class Pair:
    """Two tables. `day` is (row, column) -> visitors, each counted once; `of_rows` and `of_columns` the same with each visitor
    once in every row, or column; `meet` the pairs of classes with a view, None where that is not known."""

    def __init__(self, rows, columns, day, of_rows, of_columns, meet, k=K):
        turn = {True: (of_rows, lambda one, other: (one, other)), False: (of_columns, lambda one, other: (other, one))}
        self.nodes = [(True, row) for row in rows] + [(False, column) for column in columns]
        self.meet, self.k = meet, k
        self.day = {(one, other): day[turn[one[0]][1](one[1], other[1])] for one in self.nodes for other in self.nodes
                    if one[0] != other[0]}
        self.own = {(one, other): turn[one[0]][0][turn[one[0]][1](one[1], other[1])] for one, other in self.day}

    def _joins(self, node, link, free):
        """k paths of different visitors lead from a class to a link."""
        beside = [other for other in link if other[0] != node[0]]
        through = {other: sum(self.day[other, end] for end in link if end[0] == node[0])
                   for other in free if other[0] != node[0]}
        day = sum(self.day[node, other] for other in beside) + sum(
            min(self.day[node, other], count) for other, count in through.items())
        own = sum(self.own[node, other] for other in beside) + sum(
            min(self.own[node, other], max(0, count - self.k)) for other, count in through.items())
        return max(day, own) >= self.k

    def _grow(self, free):
        """The link of the heaviest column among what is in none."""
        columns = [node for node in free if not node[0]]
        link = {max(columns, key=lambda node: sum(self.day[node, other] for other in self.nodes if other[0]))}
        while True:
            more = {node for node in free if node not in link and self._joins(node, link, free - link)}
            if not more:
                return link
            link |= more

    def holds(self):
        free, links = set(self.nodes), []
        while any(not node[0] for node in free):
            links.append(self._grow(free))
            free -= links[-1]
            if len(links) == 1 and any(all(node in links[0] for node in self.nodes if node[0] == side) for side in (True, False)):
                return True
            if self.meet is None:
                return False
        link_of = {node: number for number, link in enumerate(links) for node in link}
        return all(link_of.get((True, row), row) == link_of[False, column] for row, column in self.meet)


# ---- two dimensions: split.h ----

class Square:
    """A table of two dimensions. `rows` is row -> visitors and `columns` a list, both in key order; `cells` is (row, column)
    -> (visitors, views), empty ones left out; `union` the distinct visitors of a row and several columns."""

    def __init__(self, rows, columns, cells, union, k=K):
        self.rows, self.columns, self.cells, self.union, self.k = rows, columns, cells, union, k
        self.used = [column for column in columns if any((row, column) in cells for row in rows)]
        self.filled = [row for row in rows if any((row, column) in cells for column in self.used)]

    def hubs(self):
        """Rows that may be the hub, those to try first in front."""
        if any(self.rows[row] < self.k for row in self.filled):
            return []
        return sorted(self.filled, key=lambda row: (-len(self.strong(row, self.used)), self.cell(row, self.used)[1]))

    def cell(self, row, group):
        of = [column for column in group if (row, column) in self.cells]
        views = sum(self.cells[row, column][1] for column in of)
        return (self.union(row, of) if len(of) > 1 else self.cells[row, of[0]][0] if of else 0, views)

    def strong(self, row, group):
        return {column for column in group if self.cells.get((row, column), (0, 0))[0] >= self.k}

    def groups_beside(self, hub):
        """The groups of columns, in each of which the hub has k; one group at the least."""
        groups = [(column,) for column in self.used]
        while len(groups) > 1:
            weak = min(groups, key=lambda group: self.cell(hub, group)[0])
            if self.cell(hub, weak)[0] >= self.k:
                break
            other = min((group for group in groups if group != weak), key=lambda group: self.cell(hub, group))
            both = tuple(column for column in self.used if column in weak + other)
            groups = sorted([group for group in groups if group not in (weak, other)] + [both],
                            key=lambda group: self.used.index(group[0]))
        return groups

    def hangs_together(self, group):
        reached, parts = {group[0]}, [self.strong(row, group) for row in self.filled]
        for _ in group:
            for part in parts:
                reached |= part if part & reached else set()
        return reached == set(group)

    def has_strong_columns(self):
        """Whether the columns need not be folded further: each has a row with k visitors in it."""
        return set(self.used) == set().union(*(self.strong(row, self.used) for row in self.filled))

    def shown_of(self, row, groups):
        if self.rows[row] < 5 * self.k:
            return []
        shown = [group for group in groups if self.cell(row, group)[0] >= self.k]
        if any(self.cell(row, group)[1] for group in groups if group not in shown) and shown:
            shown.remove(min(shown, key=lambda group: self.cell(row, group)))
        return shown

    def told(self):
        """The told cells: {(row, tuple of columns)}."""
        best, told = 0, set()
        for hub in self.hubs()[:len(self.columns)]:
            groups = self.groups_beside(hub)
            if len(groups) < 2 or not all(map(self.hangs_together, groups)):
                continue
            shown = {(row, group) for row in self.filled if row != hub for group in self.shown_of(row, groups)}
            worth = sum(self.cell(row, group)[1] for row, group in shown) * math.sqrt(len(groups))
            if worth > best:
                best, told = worth, shown
        return told


# ---- pages by blocks of hours: hub.h ----

def choose_hub(pages, site_views, k=K):
    """Of page -> (visitors, views); None without one."""
    by_size = sorted((page for page in pages if page != OTHER and pages[page][0] >= k),
                     key=lambda page: (-pages[page][0], -pages[page][1], page.encode()))
    large = [page for page in by_size if pages[page][0] >= 40 * k]
    modest = [page for page in large if pages[page][1] * 100 <= 3 * site_views]
    return next(iter(modest or large[-1:] or by_size), None)


# ---- histograms: histogram.h ----

def _steps():
    """The least m of 1024 … 2047 of each of the 37 steps of an octave."""
    least = {}
    for m in range(1024, 2048):
        least.setdefault(math.floor(37 * math.log2(m / 1024)), m)
    return [least[s] for s in range(37)]


STEPS = _steps()


def bucket_of(ticks):
    if ticks == 0:
        return 0
    octave = ticks.bit_length() - 1
    m = ticks << 10 >> octave
    return 1 + 37 * octave + bisect.bisect_right(STEPS, m) - 1


def bucket_low(bucket):
    """The least value of a bucket."""
    if bucket == 0:
        return 0
    octave, step = divmod(bucket - 1, 37)
    return -(-(STEPS[step] << octave) // 1024)


def bucket_value(bucket):
    low, high = bucket_low(bucket), bucket_low(bucket + 1) - 1
    return low if high <= low else 2 * low * high / (low + high)


def rank(quantile_percent, n):
    """Nearest rank: the ceil(q n)-th smallest, in integers."""
    return max(1, -(-quantile_percent * n // 100))


def quantile(values, percent):
    """Of sorted values."""
    return values[rank(percent, len(values)) - 1]


def bucket_quantile(buckets, percent):
    """Of {bucket: count}: the representative of the bucket that holds the rank."""
    return bucket_value(bucket_of_rank(buckets, rank(percent, sum(buckets.values()))))


def bucket_of_rank(buckets, wanted):
    """The bucket of the wanted-th smallest view, from 1, of {bucket: count}."""
    for bucket in sorted(buckets):
        wanted -= buckets[bucket]
        if wanted <= 0:
            return bucket
    raise ValueError("an empty histogram")


def interval_ranks(n, percent):
    """The ranks of the order statistics that bound a quantile with 95 % confidence."""
    middle = n * percent / 100
    reach = 1.96 * math.sqrt(middle * (1 - percent / 100))
    return min(max(math.floor(middle - reach), 1), n), min(max(math.ceil(middle + reach), 1), n)


# ---- bins: grid.h. A grid is {metric: the buckets at which its bins begin}; an untold metric is not in it. ----

BUCKETS = 1185
COMPILED = (0, *range(1, BUCKETS, 2))


def bin_of(begins, bucket):
    """(first bucket, first bucket after it) of the bin that holds a bucket."""
    at = bisect.bisect_right(begins, bucket)
    return begins[at - 1], begins[at] if at < len(begins) else BUCKETS


def grid_from(histograms, least):
    """The opening grid after a day of these {metric: {bucket: count}}."""
    grid = {}
    for metric, counts in histograms.items():
        begins, in_bin, left = {0}, 0, sum(counts.values())
        for bucket in sorted(counts, reverse=True):
            in_bin, left = in_bin + counts[bucket], left - counts[bucket]
            if in_bin >= least and left >= least:
                begins.add(bucket)
                in_bin = 0
        if len(begins) > 1:
            grid[metric] = tuple(sorted(begins))
    return grid


def close(grid, histograms, k=K):
    """The closed grid: each bin that holds views has k."""
    return {metric: _close(grid.get(metric, (0,)), counts, k) for metric, counts in histograms.items()
            if sum(counts.values()) >= k}


def _close(begins, counts, k):
    closed = set(begins)
    for first in begins:
        whole = bin_of(begins, first)
        if _within(whole, counts) >= k:
            closed |= {begin for begin in COMPILED if whole[0] < begin < whole[1]}
            closed -= _joined(sorted(closed), counts, k, whole)
    return tuple(sorted(closed - _joined(sorted(closed), counts, k, (0, BUCKETS))))


def _within(whole, counts):
    return sum(count for bucket, count in counts.items() if whole[0] <= bucket < whole[1])


def _joined(begins, counts, k, whole):
    """Which bins of a range no longer begin where they do, once each that holds views has k."""
    views = {where: _within(where, counts) for where in (bin_of(begins, begin) for begin in begins if whole[0] <= begin < whole[1])}
    bins = [[*where, views[where]] for where in sorted(views) if views[where]]
    is_firm = bins[0][2] >= k, bins[-1][2] >= k
    while weak := [i for i, found in enumerate(bins) if found[2] < k]:
        last = weak[-1]
        to_left = bins[last][0] - bins[last - 1][1] if last else math.inf
        to_right = bins[last + 1][0] - bins[last][1] if last + 1 < len(bins) else math.inf
        left = last - (to_left <= to_right)
        bins[left:left + 2] = [[bins[left][0], bins[left + 1][1], bins[left][2] + bins[left + 1][2]]]
    if not is_firm[0]:
        bins[0][0] = whole[0]
    if not is_firm[1]:
        bins[-1][1] = whole[1]
    return {begin for begin in begins if any(first < begin < end for first, end, _ in bins)}


def snap(begins, counts):
    """Counts at the first bucket of each bin."""
    snapped = {}
    for bucket, count in counts.items():
        first = bin_of(begins, bucket)[0]
        snapped[first] = snapped.get(first, 0) + count
    return snapped


def _reach(begins, bucket):
    """The buckets over which a bin is spread: an open class as twice its neighbour's width, next to it."""
    first, end = bin_of(begins, bucket)
    if (first == 0) == (end == BUCKETS):
        return first, end
    beside = bin_of(begins, end if first == 0 else first - 1)
    width = min(2 * (beside[1] - beside[0]), end - first)
    return (end - width, end) if first == 0 else (first, first + width)


def spread(begins, counts):
    """Counts evenly over the buckets of their bins: of c views on w buckets the first i hold i c / w, halves up."""
    fine = {}
    for first, count in snap(begins, counts).items():
        low, end = _reach(begins, first)
        width, whole = end - low, count // (end - low)
        until = [i * whole + (2 * i * (count - whole * width) + width) // (2 * width) for i in range(width + 1)]
        for i in range(width):
            if until[i + 1] > until[i]:
                fine[low + i] = fine.get(low + i, 0) + until[i + 1] - until[i]
    return fine


def first_day_quantile(day, of, percent):
    """A quantile of some ticks of a site's first day as it is told, in ticks: on the bins of the whole day's."""
    counts_of_day, counts = (collections.Counter(map(bucket_of, values)) for values in (day, of))
    return bucket_quantile(spread(_close(COMPILED, counts_of_day, K), counts), percent)
