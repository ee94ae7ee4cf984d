# SPDX-License-Identifier: Apache-2.0
"""The stages of scripts/test, one after another: builds, unit tests, checks, fuzzing, end to end.

A test is counted where it can be seen: each cmocka case, each check, each fuzz target, and for the scripts
tests/run_* what their last line "N passed, N failed[, N skipped]" says. A program that ends without having said
anything counts as one failure. A stage that takes longer than its budget says so; that is a warning, not a failure.
"""

import argparse
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COUNT_LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")
CORES = len(os.sched_getaffinity(0))

SANITIZER_ENVIRONMENT = {
    # Not detect_stack_use_after_return: gcc 12's fake stack is not aligned to the 64 bytes that AVX-512 code counts on.
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}

# Unit tests that touch a disk.
USES_DISK = "^(disk|file_|log|source_file|source_position|sink_file|job_fault|job_savepoint|engine|checkpoint|savepoint|table_cold)"


class Total:
    """What has been counted so far, and the names of what failed."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, passed=0, failed=0, skipped=0, names=()):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        self.failures.extend(names)


total = Total()


def run(command, log, env=None, timeout=None):
    """Runs a command with its output in a file; returns (status, text). A time-out is status 124."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "wb") as out:
        try:
            status = subprocess.run(command, cwd=TOP, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                    env={**os.environ, **(env or {})}, timeout=timeout).returncode
        except subprocess.TimeoutExpired:
            status = 124
    with open(log, "r", errors="replace") as text:
        return status, text.read()


def log_path(name):
    return os.path.join(TOP, "build", "logs", name + ".log")


def stage(name, budget_s, body, *arguments):
    """Runs one stage and prints its line: what was counted and how long it took."""
    before = (total.passed, total.failed, total.skipped)
    begin = time.monotonic()
    print(f"== {name} ...", flush=True)
    body(*arguments)
    seconds = time.monotonic() - begin
    counts = [now - then for now, then in zip((total.passed, total.failed, total.skipped), before)]
    text = f"{counts[0]} passed, {counts[1]} failed" + (f", {counts[2]} skipped" if counts[2] else "")
    late = f"  (budget {budget_s} s)" if seconds > budget_s else ""
    print(f"== {name}: {text if any(counts) else 'done'}, {seconds:.1f} s{late}", flush=True)


def build(preset, *targets):
    """Configures (the first time) and builds. A failed build is one failed test."""
    log = log_path("build-" + preset)
    if not os.path.exists(os.path.join(TOP, "build", preset, "build.ninja")):
        status, text = run(["cmake", "--preset", preset], log)
        if status != 0:
            print(text[-3000:])
            total.add(failed=1, names=[f"configure {preset} ({log})"])
            return False
    status, text = run(["cmake", "--build", "--preset", preset] + (["--target", *targets] if targets else []), log)
    if status != 0:
        lines = [line for line in text.splitlines() if re.search(r"error|FAILED|undefined", line)]
        print("\n".join(lines[:30]))
        total.add(failed=1, names=[f"build {preset} ({log})"])
    return status == 0


def count_cmocka(text):
    """Sums the summaries of cmocka in one program's output: (passed, failed, skipped, names)."""
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text))
    failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", text))
    skipped = sum(int(n) for n in re.findall(r"\[  SKIPPED \] (\d+) test", text))
    names = sorted(set(re.findall(r"\[  FAILED  \] ([A-Za-z_]\w*)\s*$", text, re.M)))
    return passed, failed, skipped, names


def unit(preset, percent, only=None, extra=None):
    """The unit suite of a preset. `percent` of the generated cases are run (100 but under sanitizers). `only`: programs
    whose names match; `extra`: more environment."""
    log = log_path("unit-" + preset + ("-plain" if extra and "TAILRACE_IO" in extra else ""))
    env = {**SANITIZER_ENVIRONMENT, "TAILRACE_TEST_PERCENT": str(percent), **(extra or {})}
    build_dir = os.path.join("build", preset)
    choice = ["-R", only] if only else []
    run(["ctest", "--test-dir", build_dir, "-L", "unit", "-j", str(CORES), "-V", *choice], log, env)
    with open(log, errors="replace") as file:
        text = file.read()
    output = {}
    for number, line in re.findall(r"^(\d+): (.*)$", text, re.M):
        output.setdefault(number, []).append(line)
    results = re.findall(r"^\s*\d+/\d+ Test +#(\d+): (\S+) [ .]*(?:\*{3})?(.*?) +[\d.]+ sec", text, re.M)
    expected = re.search(r"tests failed out of (\d+)", text)
    if expected is None or int(expected.group(1)) != len(results):
        total.add(failed=1, names=[f"{preset}: not all unit tests ran ({log})"])
    for number, name, verdict in results:
        passed, failed, skipped, names = count_cmocka("\n".join(output.get(number, [])))
        if verdict != "Passed" and failed == 0:  # crashed, or a sanitizer spoke
            failed, names = 1, [verdict]
        if verdict == "Passed" and passed + skipped == 0:  # a program that says nothing of cmocka's
            passed = 1
        total.add(passed, failed, skipped, [f"{preset}: {name}: {case} ({log})" for case in names])
        if verdict != "Passed":
            print("\n".join(output.get(number, [])[-40:]))


def threaded(preset):
    """A pattern of the unit tests in which threads can be: a program that never starts one has no data race to find."""
    folder = os.path.join(TOP, "build", preset, "tests")
    names = []
    for where, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(where, name)
            if name.endswith("_test") and os.access(path, os.X_OK):
                symbols = subprocess.run(["nm", "--undefined-only", path], stdout=subprocess.PIPE, text=True).stdout
                if re.search(r"\bpthread_create\b", symbols):
                    names.append(name)
    return f"^({'|'.join(sorted(names))})$"


def check(name):
    log = log_path(name)
    status, text = run([os.path.join("scripts", name)], log)
    if status != 0:
        print(text[-3000:])
    total.add(passed=int(status == 0), failed=int(status != 0), names=[f"{name} ({log})"] if status else [])


def fuzz(seconds):
    """Every fuzz target for some seconds, as many at a time as there are cores."""
    folder = os.path.join(TOP, "build", "fuzz", "fuzz")
    targets = sorted(t for t in os.listdir(folder)) if os.path.isdir(folder) else []
    targets = [t for t in targets if t.endswith("_fuzz")]
    running = []

    def finish(name, process, log):
        status = process.wait()
        if status != 0:
            with open(log, errors="replace") as file:
                print(file.read()[-2000:])
        total.add(int(status == 0), int(status != 0), names=[f"fuzz: {name} ({log})"] if status else [])

    for name in targets:
        corpus = os.path.join(TOP, "build", "fuzz", "corpus", name)
        seeds = os.path.join(TOP, "tests", "fuzz", "corpus", name)
        os.makedirs(corpus, exist_ok=True)
        log = log_path("fuzz-" + name)
        command = [os.path.join(folder, name), f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048",
                   "-print_final_stats=1", f"-artifact_prefix={corpus}-", corpus]
        command += [seeds] if os.path.isdir(seeds) else []
        with open(log, "wb") as out:
            process = subprocess.Popen(command, cwd=TOP, stdout=out, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, env={**os.environ, **SANITIZER_ENVIRONMENT})
        running.append((name, process, log))
        if len(running) >= CORES:
            finish(*running.pop(0))
    for entry in running:
        finish(*entry)


def end_to_end(script, timeout_s, soak):
    """One script tests/run_*: it prints what it does and ends with a count line."""
    name = os.path.basename(script)
    log = log_path(name)
    env = {"TAILRACE": os.path.join(TOP, "build", "release", "tailrace"), "TAILRACE_TEST_SOAK": "1" if soak else ""}
    status, text = run([script], log, env, timeout_s)
    lines = text.splitlines()
    match = next((m for m in map(COUNT_LINE.match, reversed(lines[-3:])) if m), None)
    if match:
        passed, failed, skipped = (int(n or 0) for n in match.groups())
        if status != 0 and failed == 0:
            failed = 1
    else:
        passed, failed, skipped = int(status == 0), int(status != 0), 0
    total.add(passed, failed, skipped, [f"{name}: status {status} ({log})"] if failed else [])
    if failed:
        print("\n".join(lines[-40:]))
    for line in lines:
        if re.search(r"\bskipped\b.*:", line) and not COUNT_LINE.match(line):
            print("   " + line)


def end_to_end_scripts():
    folder = os.path.join(TOP, "tests")
    return sorted(os.path.join(folder, f) for f in os.listdir(folder)
                  if f.startswith("run_") and os.access(os.path.join(folder, f), os.X_OK))


def main():
    parser = argparse.ArgumentParser(prog="scripts/test", description="builds and runs every test of Tailrace")
    parser.add_argument("--quick", action="store_true", help="dev unit tests, layers and headers only")
    parser.add_argument("--soak", action="store_true", help="the long versions; takes an hour or more")
    parser.add_argument("--fuzz-seconds", type=int, default=None, help="per fuzz target (default 10, soak 300)")
    options = parser.parse_args()
    fuzz_seconds = options.fuzz_seconds or (300 if options.soak else 10)
    percent = 100 if options.soak else 10
    begin = time.monotonic()

    stage("layers", 5, check, "check_layers")
    if options.quick:
        stage("build dev", 240, build, "dev")
        stage("unit tests, dev", 120, unit, "dev", 10)
        stage("headers", 60, check, "check_headers")
    else:
        stage("build release", 400, build, "release", "tailrace", "tailrace_library")
        stage("build dev", 300, build, "dev")
        stage("headers", 60, check, "check_headers")
        stage("unit tests, dev", 180, unit, "dev", 100, None, {"TAILRACE_TEST_SOAK": "1"} if options.soak else None)
        stage("unit tests, dev, without io_uring", 60, unit, "dev", 10, USES_DISK, {"TAILRACE_IO": "plain"})
        stage("build asan", 400, build, "asan", "unit_tests", "tailrace")
        stage("unit tests, asan and ubsan", 240, unit, "asan", percent)
        stage("build tsan", 400, build, "tsan", "unit_tests")
        stage("unit tests, tsan", 240, lambda: unit("tsan", percent, threaded("tsan")))
        stage("build fuzz (clang)", 400, build, "fuzz", "fuzzers")
        stage("fuzz targets", 120, fuzz, fuzz_seconds)
        for script in end_to_end_scripts():
            stage(os.path.basename(script), 300, end_to_end, script, 14400 if options.soak else 1200, options.soak)

    for name in total.failures:
        print(f"FAILED {name}")
    print(f"all stages: {time.monotonic() - begin:.0f} s")
    print(f"{total.passed} passed, {total.failed} failed" + (f", {total.skipped} skipped" if total.skipped else ""))
    return 1 if total.failed or total.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
