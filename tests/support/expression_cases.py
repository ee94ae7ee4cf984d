# SPDX-License-Identifier: Apache-2.0
"""The expressions and statements in tests/flink, and Flink's answers to them. Their forms: tests/flink/README.md."""

import collections
import os

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "flink")
EXPECTED = os.path.join(FOLDER, "expressions.expected")

Case = collections.namedtuple("Case", "group text")


def lines(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        for line in file.read().split("\n"):
            if line and not line.startswith("#"):
                yield line


def sections(name):
    """(heading, line) of each line of a file with [headings]."""
    heading = ""
    for line in lines(name):
        if line.startswith("[") and line.endswith("]"):
            heading = line[1:-1]
        else:
            yield heading, line


def read():
    cases = [Case(group, text) for group, text in sections("expressions.txt")]
    twice = [text for text, n in collections.Counter(case.text for case in cases).items() if n > 1]
    if twice:
        raise ValueError("expressions.txt has more than once: " + "; ".join(twice))
    return cases


def setup():
    """The script that makes the table `inputs`, of one row."""
    with open(os.path.join(FOLDER, "inputs.sql"), encoding="utf-8") as file:
        return file.read().replace("${DATA}", FOLDER)


def read_expected():
    """{expression: "TYPE<tab>VALUE", "REFUSED<tab>TEXT" or "FAILED<tab>TEXT"}"""
    if not os.path.exists(EXPECTED):
        return {}
    return dict(line.split("\t", 1) for line in lines("expressions.expected"))


def write_expected(version, answers):
    """New answers to some of the expressions; the others keep what they have."""
    answers = {**read_expected(), **answers}
    with open(EXPECTED, "w", encoding="utf-8") as file:
        file.write(f"# What Flink {version} answers to expressions.txt: expression, type, value (or error), with tabs between.\n"
                   "# Written by tests/flink/judge record.\n")
        file.writelines(f"{case.text}\t{answers[case.text]}\n" for case in read() if case.text in answers)


def read_known():
    """{expression: why Tailrace may differ}"""
    return {text: reason for reason, text in sections("known_differences.txt")}


def prune_known(texts):
    """Takes expressions off the list, and headings that have none any more."""
    path = os.path.join(FOLDER, "known_differences.txt")
    with open(path, encoding="utf-8") as file:
        kept = [line for line in file.read().splitlines() if line not in texts]
    out = []
    for at, line in enumerate(kept):
        is_heading = line.startswith("[") and line.endswith("]")
        if is_heading and (at + 1 == len(kept) or kept[at + 1] == ""):
            continue
        if line or (out and out[-1]):
            out.append(line)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out).rstrip() + "\n")


def read_verdicts():
    """{statement: "PLANNED" or "REFUSED<tab>TEXT"}"""
    if not os.path.exists(os.path.join(FOLDER, "statements.expected")):
        return {}
    return dict(line.split("\t", 1) for line in lines("statements.expected"))


def write_verdicts(version, answers):
    with open(os.path.join(FOLDER, "statements.expected"), "w", encoding="utf-8") as file:
        file.write(f"# What Flink {version} says to statements.txt: statement, PLANNED or REFUSED (and why), with tabs between.\n"
                   "# Written by tests/flink/judge record.\n")
        file.writelines(f"{text}\t{answer}\n" for text, answer in answers.items())
