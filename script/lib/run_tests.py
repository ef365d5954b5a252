# SPDX-License-Identifier: EUPL-1.2
"""The steps of script/test, in the order a reader wants to hear of a failure: fast and precise first."""
import argparse
import glob
import math
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time

import processes
import reports
from reports import Cases

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = "build/test"
CORES = os.cpu_count() or 1
RUN_SECONDS = 38 * 60  # of a whole run without --long: what the other steps leave of it is the fuzzers'
SUPPORT = os.path.join(ROOT, "tests/support")

SANITIZERS = {
    "ASAN_OPTIONS": "strict_string_checks=1:check_initialization_order=1:detect_stack_use_after_return=1",
    "LSAN_OPTIONS": f"suppressions={SUPPORT}/lsan.supp",
    "UBSAN_OPTIONS": f"print_stacktrace=1:suppressions={SUPPORT}/ubsan.supp",
    "TSAN_OPTIONS": f"second_deadlock_stack=1:suppressions={SUPPORT}/tsan.supp",
}


def fixed_addresses():
    """Sanitizers of this age cannot map their shadow under the widest address randomisation of newer kernels. Where
    the system lets us, their programs run without it."""
    prefix = ["setarch", platform.machine(), "-R"]
    try:
        subprocess.run(prefix + ["true"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return prefix
    except (OSError, subprocess.CalledProcessError):
        return []


class Failed(Exception):
    """A step cannot go on; the text is the name of what failed."""


class Session:
    """One run of script/test: what was built, what is asked for, where the current step writes."""

    def __init__(self, long):
        self.long = long
        self.built = {}
        self.began = time.monotonic()
        self.step = None
        self.fixed = fixed_addresses()

    def file(self, ending):
        return f"{OUT}/{self.step}{ending}"

    def run(self, what, argv, environment=None, minutes=10):
        if self.long:
            environment = {**(environment or {}), "BALISE_LONG": "1"}
            minutes *= 8
        status = processes.run(argv, self.file(".log"), environment or {}, minutes * 60)
        if status is None:
            raise Failed(f"{what}: still running after {minutes} minutes")
        return status

    def must(self, what, argv, environment=None, minutes=10):
        status = self.run(what, argv, environment, minutes)
        if status != 0:
            raise Failed(f"{what}: exit status {status}")

    def build(self, preset):
        """Once a run, and never a stale executable of an earlier one: a failed build fails whoever needs it."""
        if preset not in self.built:
            self.built[preset] = False
            self.must(f"build {preset}", ["script/build", "--preset", preset], minutes=15)
            self.built[preset] = True
        if not self.built[preset]:
            raise Failed(f"the {preset} build failed before")

    def reported(self, what, argv, report, reader, environment=None, minutes=15):
        """Runs a test program that leaves a report, and believes neither the report nor the status alone."""
        if os.path.exists(report):
            os.unlink(report)
        status = self.run(what, argv, environment, minutes)
        if not os.path.exists(report):
            raise Failed(f"{what}: exit status {status} and no report")
        cases = reader(report)
        if status != 0 and not cases.failed:
            cases.failed.append(f"{what}: exit status {status}")
        if not (cases.passed or cases.failed):
            cases.failed.append(f"{what}: ran no test")
        return cases

    def ctest(self, preset, *chosen, prefix=(), environment=None):
        self.build(preset)
        report = os.path.abspath(self.file(".xml"))
        argv = [*prefix, "ctest", "--test-dir", f"build/{preset}", "--parallel", str(CORES), "--output-on-failure",
                "--test-output-size-passed", "1000000", "--test-output-size-failed", "1000000",
                "--no-tests=error", "--output-junit", report, *chosen, *([] if self.long else ["-LE", "^long$"])]
        return self.reported("ctest", argv, report, reports.ctest, environment)

    def pytest(self, folder, preset, *marks, prefix=(), environment=None, workers=1):
        """workers: how many files of tests run side by side; more than one only where no test needs the machine for itself."""
        if not os.path.isdir(folder):
            raise Failed(f"{folder} is not there")
        self.build(preset)
        marks = list(marks) + ([] if self.long else ["not long"])
        argv = [*prefix, "/usr/bin/python3", "-B", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", folder,
                f"--junitxml={self.file('.xml')}"]
        if marks:
            argv += ["-m", " and ".join(marks)]
        if workers > 1:
            argv += ["-n", str(workers), "--dist", "loadfile"]
        environment = {"BALISE_BIN": os.path.join(ROOT, f"build/{preset}/balise"), **(environment or {})}
        return self.reported("pytest", argv, self.file(".xml"), reports.pytest, environment)


def step_dev(session):
    """gcc: unit tests and lints"""
    return session.ctest("dev")


def step_asan(session):
    """unit tests under the address and undefined-behaviour sanitizers"""
    return session.ctest("asan", "-L", "^unit$", prefix=session.fixed, environment=SANITIZERS)


def step_tsan(session):
    """unit tests under the thread sanitizer, built by clang"""
    return session.ctest("tsan", "-L", "^unit$", prefix=session.fixed, environment=SANITIZERS)


def step_integration(session):
    """the executable, from outside"""
    return session.pytest("tests/integration", "dev", workers=CORES)


def step_integration_asan(session):
    """the same, the tests marked sanitize, under the address sanitizer"""
    return session.pytest("tests/integration", "asan", "sanitize", prefix=session.fixed, environment=SANITIZERS, workers=CORES)


def step_integration_tsan(session):
    """the same, the tests marked sanitize, under the thread sanitizer"""
    return session.pytest("tests/integration", "tsan", "sanitize", prefix=session.fixed, environment=SANITIZERS, workers=CORES)


def step_attack(session):
    """observers who combine all that is told; they must find nothing"""
    return session.pytest("tests/attack", "dev", workers=CORES)


def step_privacy(session):
    """canaries in files and memory, also of what is released, and builds that leak on purpose"""
    session.build("release")
    return session.pytest("tests/privacy", "dev", workers=CORES)


def step_edge(session):
    """attacks on the public listener, with an honest visitor beside them (a minute each with --long)"""
    return session.pytest("tests/edge", "dev", workers=CORES)


def step_fault(session):
    """disks and memory that fail, power cuts, kills (every call, every prefix, a thousand kills with --long)"""
    return session.pytest("tests/fault", "dev", workers=CORES)


def step_browser(session):
    """Chromium through nginx"""
    return session.pytest("tests/browser", "dev")


def step_proxy(session):
    """the blocks of packaging/proxy/ in their servers, with Chromium over HTTP/2 before them"""
    return session.pytest("tests/proxy", "dev")


def step_cluster(session):
    """three machines and real ClickHouse and ZooKeeper, with kills (a million views with --long)"""
    return session.pytest("tests/cluster", "dev")


def step_javascript(session):
    """the snippet's and the dashboard's own tests; what is built is what the sources give"""
    names = [name for folder in ("beacon", "dashboard") for ending in ("js", "mjs")
             for name in glob.glob(f"{folder}/test/**/*.test.{ending}", recursive=True)]
    if not names:
        raise Failed("no *.test.js in beacon/test or dashboard/test")
    report = session.file(".tap")
    argv = ["node", "--test", "--test-reporter=tap", f"--test-reporter-destination={report}", *sorted(names)]
    cases = session.reported("node --test", argv, report, reports.node)
    for folder in ("beacon", "dashboard"):
        if os.path.exists(f"{folder}/package.json"):
            status = session.run("check", ["npm", "run", "--silent", "--prefix", folder, "--if-present", "check"])
            cases.add(Cases(passed=1) if status == 0 else Cases(failed=[f"{folder}: what is built is stale"]))
    return cases


def step_demo(session):
    """script/server on free ports: builds the release, serves the demo, answers, stops"""
    ports = []
    for option in ("--portal-port", "--public-port", "--private-port"):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports += [option, str(probe.getsockname()[1])]
    session.must("script/server --check", ["script/server", "--check", *ports], minutes=15)
    return Cases(passed=1)


def step_package(session):
    """the Debian package, installed, upgraded and run by systemd in a clean system (needs root)"""
    session.build("dev")  # for its clock, which can be turned
    return session.pytest("tests/packaging", "release")


def step_format(session):
    """clang-format changes nothing"""
    session.must("script/format --check", ["script/format", "--check"])
    return Cases(passed=1)


def step_tidy(session):
    """clang-tidy over server/"""
    session.must("configure tsan", ["cmake", "--preset", "tsan"])
    # One file a process: in a second file of the same process the va_list check of clang 14 sees what is not there.
    find = "find server -name '*.c' -print0 | xargs -0 -P 2 -n 1 clang-tidy -p build/tsan --quiet"
    session.must("clang-tidy", ["sh", "-c", find], minutes=15)
    return Cases(passed=1)


def step_cppcheck(session):
    """cppcheck over server/"""
    session.must("configure dev", ["cmake", "--preset", "dev"])
    session.must("cppcheck", [
        "cppcheck", "--project=build/dev/compile_commands.json", "--file-filter=server/*", "-j", "2", "--quiet",
        "--enable=warning,performance,portability", "--inline-suppr", "--suppress=missingIncludeSystem",
        "--error-exitcode=1"])
    return Cases(passed=1)


def step_fuzz(session):
    """each fuzz target for a minute, or less where the run has taken long (10^8 executions with --long)"""
    session.build("asan")  # for the server that is sent mutated frames
    targets = len(glob.glob("tests/fuzz/fuzz_*.c")) + 1
    left = RUN_SECONDS - (time.monotonic() - session.began)
    seconds = int(min(60, max(2, left // math.ceil(targets / CORES))))
    print(f"fuzz: {'the campaign' if session.long else f'{seconds} s a target'}", flush=True)
    session.must("script/fuzz", ["script/fuzz", "--at-once", str(CORES), *(["--campaign"] if session.long else ["--seconds", str(seconds)])], minutes=25)
    return Cases(passed=1)


def step_endurance(session):
    """an hour at half of what the machine takes, with closings, purges, reloads and questions (with --long alone)"""
    session.must("configure", ["cmake", "--preset", "release", "-B", "build/endurance", "-DBALISE_TESTS=ON", "-DBALISE_TEST_HOOKS=ON"])
    session.must("build", ["cmake", "--build", "build/endurance", "--parallel", str(CORES), "--target", "balise", "load"])
    session.must("an hour", ["/usr/bin/python3", "-B", "tests/bench/endurance.py"], minutes=90)
    return Cases(passed=1)


STEPS = [step_dev, step_asan, step_tsan, step_integration, step_integration_asan, step_integration_tsan, step_privacy,
         step_attack, step_edge, step_fault, step_browser, step_proxy, step_cluster, step_javascript, step_demo, step_package, step_format, step_tidy,
         step_cppcheck, step_fuzz, step_endurance]
LONG_ONLY = [step_endurance]


def name_of(step):
    return step.__name__[len("step_"):].replace("_", "-")


def show_end_of(log, lines=80):
    if os.path.exists(log):
        with open(log, encoding="utf-8", errors="replace") as handle:
            tail = handle.readlines()[-lines:]
        print(f"--- the last lines of {log}:\n{''.join(tail).rstrip()}\n---", flush=True)


def perform(session, step):
    session.step = name_of(step)
    print(f"== {session.step}: {step.__doc__}", flush=True)
    begin = time.monotonic()
    try:
        cases = step(session)
    except Failed as failure:
        cases = Cases(failed=[str(failure)])
    except Exception as bug:  # a broken report must not hide the steps that follow
        cases = Cases(failed=[f"{type(bug).__name__}: {bug}"])
    left = processes.sweep()
    if left:
        cases.failed.append("left running: " + ", ".join(left))
    if cases.failed:
        show_end_of(session.file(".log"))
    return session.step, cases, time.monotonic() - begin


def summary(results):
    total = Cases()
    print()
    for name, cases, seconds in results:
        total.add(cases)
        print(f"{'FAILED' if cases.failed else 'ok':6}  {name:17} {cases.passed:5} passed {len(cases.failed):4} failed "
              f"{len(cases.skipped):4} skipped {seconds:6.0f} s")
    for name, cases, _ in results:
        for case in cases.skipped:
            print(f"skipped: {name}: {case}")
    for name, cases, _ in results:
        for case in cases.failed:
            print(f"failed: {name}: {case}")
    print(f"{total.passed} passed, {len(total.failed)} failed", flush=True)
    return 1 if total.failed or not total.passed else 0


def main():
    os.chdir(ROOT)
    parser = argparse.ArgumentParser(prog="script/test")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", action="append", metavar="STEP", choices=[name_of(step) for step in STEPS])
    parser.add_argument("--list", action="store_true")
    chosen = parser.parse_args()
    if chosen.list:
        for step in STEPS:
            print(f"{name_of(step):18} {step.__doc__}")
        return 0
    steps = [step for step in STEPS if (name_of(step) in chosen.only if chosen.only else chosen.long or step not in LONG_ONLY)]
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    processes.adopt_orphans()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    session = Session(chosen.long)
    try:
        return summary([perform(session, step) for step in steps])
    finally:
        processes.sweep()


if __name__ == "__main__":
    sys.exit(main())
