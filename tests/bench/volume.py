# SPDX-License-Identifier: EUPL-1.2
"""A month of a hundred million views: what stays bounded by cells, and what grows with views. It takes half an hour more, and some 20 GB."""
import clickhouse
import history
import ingest

A_DAY, QUICK_A_DAY = 3333334, 400


def run(folder, quick, say):
    """The same figures as one store of history.run, beside Debian's ClickHouse alone."""
    where = folder / "volume"
    found, rows = history.store(where, history.DAYS, QUICK_A_DAY if quick else A_DAY, ingest.PAGES, quick, say)
    found["beside"] = [history.beside(clickhouse.ClickHouse, "ClickHouse", where / "ClickHouse", rows, history.DAYS, quick)]
    return {"stores": [found]}
