# SPDX-License-Identifier: EUPL-1.2
"""One server without replicas, of 2018 and of today: the same tables, the same questions, the same answers."""
import datetime

import pytest

import clickhouse
import current_clickhouse
from crowds import crowd
from machines import Machines, own_answer

DAY = datetime.timedelta(days=1)
QUESTIONS = ({"by": "page"}, {"by": "day"}, {"by": "page", "output": "histogram"}, {"by": "hour"}, {"by": "hour,page"}, {"by": "region,device"},
             {"by": "page", "region": "FR-IDF"}, {"by": "week"}, {"by": "device", "page": "/page-6"})


@pytest.fixture(name="engine", params=["2018", "today"])
def _engine(request):
    if request.param == "today" and not current_clickhouse.LIBRARY.exists():
        pytest.skip("libchdb is not installed here: npm ci --ignore-scripts --prefix tests/cluster")
    with (clickhouse.Single if request.param == "2018" else current_clickhouse.Current)() as engine:
        yield engine


def test_one_machine_and_one_server_answer_as_its_store_does(engine):
    with Machines(engine, 1) as machines:
        balise = machines[0]
        balise.post_all(crowd(0, 240))
        balise.clock.advance(hours=2)
        balise.post_all(crowd(0, 240))
        day = machines.close_day()
        answers = []
        for question in QUESTIONS:
            asked = {"metric": "lcp", "from_": day, "to": day + DAY, **question}
            if balise.ask_kpi(**asked).status == 200:
                answers.append((asked, machines.complete(**asked)))
        assert len(answers) >= 7
        assert machines.command("status").returncode == 0
        assert int(machines.sql("SELECT count() FROM {}.p75_by_page")) > 0
        balise.terminate()
        for asked, answer in answers:
            del answer["coverage"]["complete"]
            assert answer == own_answer(balise, asked), asked
