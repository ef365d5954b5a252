# SPDX-License-Identifier: EUPL-1.2
"""Which views each told cell of a site's day counts, from the labels it is told under. The cell's own number of views, and of
each metric, must be those of that set: the attack is on what is told, not on what should be."""
import collections

from views import DIMENSIONS, date_of

OTHER = "(other)"
ToldSet = collections.namedtuple("ToldSet", "tier margin label views cell")


class DaySets:
    """The told cells of one site and day (document views) as sets of views."""

    def __init__(self, told, site, day, truth):
        self.truth = truth
        self.date = date_of(day)
        self.by_margin = collections.defaultdict(dict)
        for (tier, of_site, margin, date, hour, label), cell in told.cells.items():
            if (of_site, date) == (site, self.date) and margin != "soft+page":
                self.by_margin[tier, margin][hour, label] = cell
        self.shown = {name: {label for _, label in self.by_margin["daily", name]} - {OTHER} for name in DIMENSIONS}
        self.all = [ToldSet(tier, margin, (hour, label), self._views(tier, margin, hour, label, cell), cell)
                    for (tier, margin), cells in self.by_margin.items() for (hour, label), cell in cells.items()]

    def of(self, *margins):
        """The cells of some (tier, margin)."""
        return [told for told in self.all if (told.tier, told.margin) in margins]

    def _class_of(self, dimension, view):
        label = self.truth.labels[dimension][view]
        return label if label in self.shown[dimension] else OTHER

    def _views(self, tier, margin, hour, label, cell):
        views = range(len(self.truth.documents))
        if tier == "hourly":
            hours = {*range(hour, hour + cell.hours), *range(24 - cell.tail_hours, 24)}
            views = [v for v in views if self.truth.hours[v] in hours]
            return views if margin == "site" else self._block(views, hour, label)
        dimensions = margin.split("+") if margin != "site" else []
        labels = label if len(dimensions) == 2 else (label,)
        for dimension, wanted in zip(dimensions, labels):
            classes = set(wanted.split("+"))
            views = [v for v in views if self._class_of(dimension, v) in classes]
        return list(views)

    def _block(self, views, hour, label):
        """The views of a page in a block; of (other): of all pages that are not told in it."""
        pages = self.truth.labels["page"]
        if label != OTHER:
            return [v for v in views if pages[v] == label]
        told = {page for first, page in self.by_margin["hourly", "page"] if first == hour} - {OTHER}
        return [v for v in views if pages[v] not in told]

    def check(self):
        """Every told number is the number of its set."""
        for told in self.all:
            assert told.cell.views == len(told.views), told
            for metric in ("lcp", "ttfb"):
                said = sum(told.cell.buckets[metric].values())
                have = sum(any(name == metric for name, _ in self.truth.documents[v].values) for v in told.views)
                assert said in (have, 0), (told, metric, have)
