# SPDX-License-Identifier: EUPL-1.2
"""Bins that link tables: one that few views of a day fall in is in one cell of each table."""
K = 10


def rare_bins(day, k=K):
    """(table, label, metric, bin, views of the day in it) wherever a cell has a bin of fewer than k of the site's views of that
    day."""
    site = day.of(("daily", "site"))
    whole = site[0].cell.buckets if site else {}
    return [((told.tier, told.margin), told.label, metric, number, whole.get(metric, {}).get(number, 0))
            for told in day.all for metric, bins in told.cell.buckets.items() for number in bins
            if whole.get(metric, {}).get(number, 0) < k]
