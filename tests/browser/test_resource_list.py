# SPDX-License-Identifier: EUPL-1.2
"""requests and weight, which the snippet reads from the browser's own list of resources when the view ends: right, or
absent where the list has lost something. The page's observer, which loses nothing, says what is right."""
import pytest

from test_snippet import visit

MORE_THAN_LISTED = 300  # the list of Chromium and Firefox holds 250 by itself
HEAD = "<!doctype html><title>x</title><link rel=icon href=data:,>"
SNIPPET = "<script async src=/balise/b.js></script>"
TEXT = "<p>Good morning"


def fetch(first, count):
    """JavaScript that fetches that many small files, each of its own address; a promise."""
    return f"Promise.all([...Array({count}).keys()].map((n) => fetch('/x?' + ({first} + n)).then((r) => r.text()))).then(() => 1)"


@pytest.fixture(name="view")
def _view(browser, recorder):
    """Opens a page that holds some HTML, does something there, and leaves: (what arrived, sizes the page saw)."""
    def view(html=SNIPPET + TEXT, act=lambda page: None):
        recorder.pages["/page"] = ("text/html", (HEAD + html).encode())
        url = "http://%s:%d/page" % recorder.address
        truth, _ = visit(browser, url, act=act)
        sizes = [truth["transferSize"], *truth["resources"]]
        return recorder.wait_posts(1)[0].view(), sizes
    return view


def told(view):
    return view.get("requests"), view.get("weight")


def test_more_resources_than_the_browser_lists_are_counted(view):
    arrived, sizes = view(act=lambda page: page.evaluate(fetch(0, MORE_THAN_LISTED)))
    assert len(sizes) > MORE_THAN_LISTED
    assert told(arrived) == (len(sizes), sum(sizes))


def test_a_page_that_shortens_the_list_is_counted(view):
    arrived, sizes = view(act=lambda page: page.evaluate("performance.setResourceTimingBufferSize(10), " + fetch(0, 40)))
    assert told(arrived) == (len(sizes), sum(sizes)) and len(sizes) > 40


def test_a_list_that_the_page_emptied_tells_nothing(view):
    arrived, _ = view(act=lambda page: page.evaluate(f"performance.clearResourceTimings(), {fetch(0, 5)}"))
    assert told(arrived) == (None, None) and arrived["elements"] > 0


def test_a_list_that_was_full_before_the_script_came_tells_nothing(view):
    insert = "document.body.append(Object.assign(document.createElement('script'), {src: '/balise/b.js', onload() { ran = 1; }}))"
    late = f"<script>performance.setResourceTimingBufferSize(20); {fetch(0, 40)}.then(() => {insert})</script>"
    arrived, sizes = view(TEXT + late, act=lambda page: page.wait_for("window.ran"))
    assert told(arrived) == (None, None) and len(sizes) > 40


def test_the_list_stays_as_long_as_the_page_wants_it_until_it_is_full(view):
    """A page that is told that the list is full was told at its own limit."""
    full = "<script>performance.addEventListener('resourcetimingbufferfull', () => {" \
        " window.full ??= performance.getEntriesByType('resource').length; })</script>"
    def act(page):
        page.evaluate(fetch(0, MORE_THAN_LISTED))
        assert page.wait_for("window.full") == 250
    arrived, sizes = view(full + SNIPPET + TEXT, act=act)
    assert told(arrived) == (len(sizes), sum(sizes))


def test_a_mark_of_the_page_called_hidden_hides_nothing(view):
    arrived, _ = view("<script>performance.mark('hidden')</script>" + SNIPPET + TEXT)
    assert arrived["fcp"] > 0 and arrived["lcp"] > 0 and "cls" in arrived
