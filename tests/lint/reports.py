# SPDX-License-Identifier: EUPL-1.2
"""script/test can fail: its readers of ctest's, pytest's and node's reports see every failure, and sweep() leaves
nothing running."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../script/lib"))
import processes
import reports as readers

CTEST = """<testsuite>
<testcase name="unit/a" status="run"><system-out>[==========] tests: Running 3 test(s).
[ RUN      ] counts_each_view_once
[       OK ] counts_each_view_once
[ RUN      ] forgets
[  SKIPPED ] forgets
[ RUN      ] folds
[       OK ] folds
[==========] tests: 3 test(s) run.
[  PASSED  ] 2 test(s).
[  SKIPPED ] tests: 1 test(s), listed below:
[  SKIPPED ] forgets
</system-out></testcase>
<testcase name="unit/b" status="fail"><failure message=""/><system-out>[ RUN      ] closes
[  ERROR   ] --- 1 != 2
[  FAILED  ] closes
[==========] tests: 1 test(s) run.
[  PASSED  ] 0 test(s).
[  FAILED  ] tests: 1 test(s), listed below:
[  FAILED  ] closes
</system-out></testcase>
<testcase name="unit/crashes" status="fail"><failure message=""/><system-out>[       OK ] first
</system-out></testcase>
<testcase name="lint/spdx" status="run"><system-out>0 complaint(s)</system-out></testcase>
<testcase name="unit/gone" status="notrun"><skipped message="Unable to find executable"/></testcase>
<testcase name="unit/choice" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>
</testsuite>"""

PYTEST = """<testsuites><testsuite>
<testcase classname="tests.a" name="answers"/>
<testcase classname="tests.a" name="refuses"><failure message="x"/></testcase>
<testcase classname="tests.a" name="refuses"><error message="teardown"/></testcase>
<testcase classname="" name="tests.broken"><error message="collection failure"/></testcase>
<testcase classname="tests.a" name="waits"><skipped message="no"/></testcase>
</testsuite></testsuites>"""

TAP = """TAP version 13
# Subtest: sends once
ok 1 - sends once
  ---
  duration_ms: 1
  ...
# Subtest: group
    # Subtest: inner good
    ok 1 - inner good
    # Subtest: inner bad
    not ok 2 - inner bad
    1..2
not ok 2 - group
# Subtest: later
ok 3 - later # SKIP no browser
# Subtest: last
not ok 4 - last
1..4
"""


class Readers(unittest.TestCase):
    def read(self, reader, text):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            return reader(handle.name)

    def test_ctest_counts_case_by_case(self):
        cases = self.read(readers.ctest, CTEST)
        self.assertEqual(cases.passed, 4)
        self.assertEqual(cases.failed, ["unit/b: closes", "unit/crashes", "unit/gone"])
        self.assertEqual(cases.skipped, ["unit/a: forgets", "unit/choice"])

    def test_pytest_counts_errors_as_failures(self):
        cases = self.read(readers.pytest, PYTEST)
        self.assertEqual((cases.passed, cases.failed, cases.skipped),
                         (1, ["tests.a::refuses", "tests.broken"], ["tests.a::waits"]))

    def test_node_counts_leaves(self):
        cases = self.read(readers.node, TAP)
        self.assertEqual((cases.passed, cases.failed, cases.skipped), (2, ["inner bad", "last"], ["later"]))


class Sweep(unittest.TestCase):
    def test_ends_what_detached_itself(self):
        processes.adopt_orphans()
        processes.GRACE_SECONDS = 0.2
        # The shell leaves at once; its grandchild is in a session of its own and would outlive everything.
        subprocess.run(["sh", "-c", "setsid tail -f /dev/null >/dev/null 2>&1 &"], check=True)
        self.assertEqual(processes.sweep(), ["tail"])
        self.assertEqual(processes.descendants(), {})


if __name__ == "__main__":
    unittest.main()
