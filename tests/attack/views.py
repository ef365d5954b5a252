# SPDX-License-Identifier: EUPL-1.2
"""The truth: every view that was sent, with its visitor, one list a dimension; and the beacons that say so.

All sites keep UTC, so a day has 24 hours. Views come at a few seconds of each hour, so that a run of many sites takes few
flights."""
import collections
import datetime

FIRST_DAY = datetime.date(2026, 3, 2)
DIMENSIONS = ("page", "region", "device", "browser", "protocol", "type")
Person = collections.namedtuple("Person", "address agent region device browser")
View = collections.namedtuple("View", "site day hour second person page path protocol type values")
SLOTS = 2  # moments of an hour at which views come: each is a flight and, soon after, a checkpoint


def date_of(day):
    return (FIRST_DAY + datetime.timedelta(day)).isoformat()


def start_of(day):
    """When a day begins, in seconds."""
    moment = datetime.datetime.combine(FIRST_DAY + datetime.timedelta(day), datetime.time(), datetime.timezone.utc)
    return int(moment.timestamp())


def line_of(view):
    at_ms = (start_of(view.day) + view.hour * 3600 + view.second) * 1000
    protocol = f',"protocol":"{view.protocol}"' if view.type != "soft-navigation" else ""
    values = "".join(f',"{metric}":{value}' for metric, value in view.values)
    body = f'{{"v":1,"path":"{view.path}","type":"{view.type}"{protocol}{values}}}'
    return f"{at_ms}\t{view.person.address}\t{view.person.agent}\thttps://{view.site}.example\t{body}\n"


class SiteDay:
    """The views of a site on one day, as parallel lists; soft navigations apart, as they are told apart."""

    def __init__(self, views):
        self.documents = [view for view in views if view.type != "soft-navigation"]
        self.soft = [view for view in views if view.type == "soft-navigation"]
        self.labels = {name: [getattr(view, name) for view in self.documents] for name in ("page", "protocol", "type")}
        for name in ("region", "device", "browser"):
            self.labels[name] = [getattr(view.person, name) for view in self.documents]
        self.hours = [view.hour for view in self.documents]
        # A visitor is whom the server can tell apart: equal persons are one.
        self.visitors = [(view.person.address, view.person.agent) for view in self.documents]

    def heads(self, views):
        """The distinct visitors of some of the document views, by index."""
        return len({self.visitors[v] for v in views})


class Views:
    """All that was sent."""

    def __init__(self, views):
        self.views = sorted(views, key=lambda view: (view.day, view.hour, view.second))
        self.by_day = collections.defaultdict(list)
        for view in self.views:
            self.by_day[view.site, view.day].append(view)

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(map(line_of, self.views))

    def site_days(self):
        return {key: SiteDay(views) for key, views in self.by_day.items()}
