# SPDX-License-Identifier: EUPL-1.2
"""What an operator marks on the time axis is seen by everybody who reads the figures, as text, until it is taken back."""
from dashboard import Dashboard

TEXT = "Release 4.2 <b>with</b> smaller pictures"


def fill(page, label, text):
    page.tab.evaluate(f"""[...document.querySelectorAll('.annotate label')].find((one) => one.innerText.startsWith({label!r})).control.focus()""")
    page.tab.call("Input.insertText", {"text": text})


def test_an_operator_marks_what_happened_and_takes_it_back(browser, quarter):
    operator, analyst = Dashboard(browser, quarter), Dashboard(browser, quarter)
    for page, role in ((operator, "operator"), (analyst, "analyst")):
        page.size(1280)
        page.sign_in(role)
        page.open(view="overview", lang="en")
    assert analyst.tab.evaluate("!document.querySelector('.annotate') && !document.querySelector('.event')")

    operator.tab.evaluate("document.querySelector('.annotate').open = true")
    operator.tab.evaluate("[...document.querySelectorAll('.annotate input')][0].value = '2026-11-12'")
    fill(operator, "What happened", TEXT)
    assert operator.violations() == []
    operator.press("Enter")
    operator.tab.wait_for("document.querySelectorAll('.annotations li').length === 1")
    operator.settle()
    assert operator.violations() == []
    operator.picture("overview-operator")

    analyst.open(view="overview", lang="en")
    assert analyst.text(".annotations li") == f"12 Nov, 00:00 – deployment: {TEXT}"
    assert analyst.tab.evaluate("document.querySelectorAll('.event').length") == 1
    analyst.open(view="overview", lang="en", from_="2026-10-01", to="2026-11-01")
    assert analyst.tab.evaluate("document.querySelectorAll('.event').length") == 0

    operator.tab.evaluate("document.querySelector('.annotations button').click()")
    operator.tab.wait_for("document.querySelectorAll('.annotations li').length === 0")
    for page in (operator, analyst):
        assert page.policy_reports() == []
        page.close()
