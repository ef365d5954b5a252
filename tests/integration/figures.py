# SPDX-License-Identifier: EUPL-1.2
"""What an answer should say of one metric of one row, by the rules of rules.py, and whether it does."""
import collections

import reference
import rules

PERCENTS = {"p50": 50, "p75": 75, "p95": 95}
LEAST_N = {"p50": (20, "n_below_20"), "p75": (4 * rules.K, "n_below_4k"), "p95": (20 * rules.K, "n_below_20k")}
SHARES_LEAST_N = 20
LAST = rules.BUCKETS - 1


class Measured:
    """One metric of one row of an answer, by the rule: what a day's bins hold is spread over them, then days are added up.
    `parts` are (day, views)."""

    def __init__(self, run, metric, parts, soft):
        self.fine, self.low, self.high = collections.Counter(), collections.Counter(), collections.Counter()
        self.values, self.bins = [], []
        self.in_open = collections.Counter()  # views in a day's last bin, by the bucket where it begins
        for day, views in parts:
            begins, counts = run.closed(day, soft).get(metric, (0,)), run.counts(views, metric)
            if len(begins) < 2:  # untold, or all in one bin
                continue
            self.fine.update(rules.spread(begins, counts))
            for first, count in rules.snap(begins, counts).items():
                self.low[first] += count
                last = rules.bin_of(begins, first)[1] - 1
                self.high[last] += count
                self.in_open[first] += count * (last == LAST)
            self.bins.append((begins, counts))
            self.values += run.crowd.values(metric, views)
        self.values.sort()
        self.n = self.fine.total()
        assert self.n == len(self.values)

    def around(self, ticks):
        """Views in the bins that hold this value."""
        bucket = rules.bucket_of(ticks)
        return sum(rules.snap(begins, counts).get(rules.bin_of(begins, bucket)[0], 0) for begins, counts in self.bins)


def is_told_as(value, ticks, a_unit):
    """Whole ticks, tenths of small ones."""
    return abs(value * a_unit - ticks) <= (0.5 if ticks >= 800 else 0.05) + 1e-6


def check_quantiles(told, of, metric):
    """The quantiles of one metric of one row, those that may not be told, and the interval about p75."""
    a_unit = reference.METRICS[metric][0]
    for name, (least, why) in LEAST_N.items():
        if of.n < least:
            assert told[name] is None and told["why"][name] == why, (metric, name, of.n)
        elif rules.bucket_of_rank(of.high, rules.rank(PERCENTS[name], of.n)) == LAST:
            assert told[name] is None and told["why"][name] == "no_upper_end", (metric, name, told)
        else:
            assert name not in told.get("why", {}), (metric, name, of.n)
            assert is_told_as(told[name], rules.bucket_quantile(of.fine, PERCENTS[name]), a_unit), (metric, name, told)
    if of.n < LEAST_N["p75"][0]:
        assert told["p75_low"] is None and told["p75_high"] is None
        return
    lower, upper = rules.interval_ranks(of.n, 75)
    low, high = rules.bucket_of_rank(of.low, lower), rules.bucket_of_rank(of.high, upper)
    assert is_told_as(told["p75_low"], rules.bucket_low(low), a_unit), (metric, told)
    assert told["p75"] is None or told["p75_low"] <= told["p75"]
    if high == LAST:
        assert told["p75_high"] is None and told["why"]["p75_high"] == "no_upper_end"
    else:
        assert is_told_as(told["p75_high"], rules.bucket_low(high + 1) - 1, a_unit), (metric, told)
        assert told["p75"] <= told["p75_high"]
    # It holds the order statistics that it stands for, and with them the exact p75.
    assert told["p75_low"] * a_unit <= of.values[lower - 1] + 0.5
    assert told["p75_high"] is None or of.values[upper - 1] - 0.5 <= told["p75_high"] * a_unit


def check_shares(told, of, metric):
    if metric not in reference.LIMITS or of.n < SHARES_LEAST_N:
        assert told["good"] is None and told["needs_improvement"] is None and told["poor"] is None
        return
    good, not_poor = (sum(count for bucket, count in of.fine.items() if rules.bucket_value(bucket) <= limit)
                      for limit in reference.LIMITS[metric])
    shares = {"good": good / of.n, "needs_improvement": (not_poor - good) / of.n, "poor": (of.n - not_poor) / of.n}
    unclear = {name for name, limit in zip(("good", "poor"), reference.LIMITS[metric])
               if 100 * sum(count for first, count in of.in_open.items() if first <= rules.bucket_of(limit)) > of.n}
    if unclear:
        unclear.add("needs_improvement")
    for name, share in shares.items():
        if name in unclear:
            assert told[name] is None and told["why"][name] == "no_upper_end", (metric, name, told)
        else:
            assert name not in told.get("why", {}) and abs(told[name] - share) <= 0.000051, (metric, name)
    for name, limit in zip(("good", "poor"), reference.LIMITS[metric]):  # off by the bin that holds the limit at the most
        exact = sum((value > limit) == (name == "poor") for value in of.values) / of.n
        assert name in unclear or abs(told[name] - exact) <= of.around(limit) / of.n + 0.000051, (metric, name)


def check_metric(run, told, metric, parts, soft):
    """Everything that is told of a metric of a row that adds up `parts`: (day, views)."""
    of = Measured(run, metric, parts, soft)
    assert told["n"] == of.n
    check_quantiles(told, of, metric)
    check_shares(told, of, metric)
