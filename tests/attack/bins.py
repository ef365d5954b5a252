# SPDX-License-Identifier: EUPL-1.2
"""Bins that link tables: one that few views of a day fall in is in one cell of each table."""
import collections

K = 10


def _sums(cells):
    """metric -> bin -> views of some cells together."""
    sums = collections.defaultdict(collections.Counter)
    for told in cells:
        for metric, bins in told.cell.buckets.items():
            sums[metric].update(bins)
    return sums


def rare_bins(day, k=K):
    """(table, label, metric, bin, views of the day in it) wherever a cell has a bin of fewer than k of the site's views of that
    day. Blocks may be told in other bins than the day: theirs are counted over all blocks."""
    whole, blocks = _sums(day.of(("daily", "site"))), _sums(day.of(("hourly", "site")))
    found = []
    for told in day.all:
        for metric, bins in told.cell.buckets.items():
            for number in bins:
                views = whole[metric][number]
                if told.tier == "hourly":
                    views = max(views, blocks[metric][number])
                if views < k:
                    found.append(((told.tier, told.margin), told.label, metric, number, views))
    return found
