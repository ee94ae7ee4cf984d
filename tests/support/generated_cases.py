# SPDX-License-Identifier: Apache-2.0
"""The generated expressions and queries whose answers by Flink are kept, what is known to differ, and when two answers agree."""

import math
import os
import re
import struct

import expression_cases
from ask_expressions import is_error

FOLDER = expression_cases.FOLDER
EXPRESSION_SEEDS = range(1, 6)
EXPRESSIONS = 600  # of each seed
QUERY_SEEDS = range(1, 5)
QUERIES = 80  # of each seed, half of them in batch mode
FLOATS = {"FLOAT", "DOUBLE", "FLOAT NOT NULL", "DOUBLE NOT NULL"}


def same_float(kind, one, other):
    """The last digits of sines and powers may differ."""
    try:
        one, other = float(one), float(other)
    except ValueError:
        return False
    if kind.startswith("FLOAT"):
        one, other = (struct.unpack("f", struct.pack("f", x))[0] if abs(x) < 3.4e38 else x for x in (one, other))
    return one == other or math.isclose(one, other, rel_tol=1e-13 if kind.startswith("DOUBLE") else 1e-6)


def same(flink, ours):
    """Whether two answers to an expression agree: errors are each one's own."""
    if flink == ours or (is_error(flink) and is_error(ours)):
        return True
    (kind, *theirs), (our_kind, *values) = flink.split("\t"), ours.split("\t")
    return kind == our_kind and kind in FLOATS and len(theirs) == len(values) and \
        all(x == y or same_float(kind, x, y) for x, y in zip(theirs, values))


def canonical(text, answer):
    """An answer to a query: its columns, and its rows, sorted if they have no order."""
    is_ordered = " ORDER BY " in text and " OVER (" not in text
    return answer[:1] + (answer[1:] if is_ordered else sorted(answer[1:]))


def same_rows(flink, ours):
    """Flink still calls a time *ROWTIME* that a window table function has made an ordinary one."""
    columns = [answer[0].replace(" *ROWTIME*", "") for answer in (flink, ours)]
    return (columns[0] == columns[1] and flink[1:] == ours[1:]) or (is_error(flink[0]) and is_error(ours[0]))


# Errors of Flink that no user is meant to see: its generated code does not compile, or is wrong, or lacks a case.
BUGS = ("CompileException", "NullPointerException", "ClassCastException", "CodeGenException", "AssertionError",
        "ValidationException: Could not find an implementation method", "TableException: This function does not support retraction",
        "TableException: Not support limitEnd")


def is_bug(flink, ours):
    """Whether an answer of Flink is plainly a bug. That a NULL is in a type that is NOT NULL shows at the sink only there."""
    if not is_error(flink):
        return False
    said = flink.split("\t", 1)[1]
    return said.startswith(BUGS) or (said.startswith("EnforcerException") and "NOT NULL\t" in ours and "\tNULL" in ours)


class Quirks:
    """Regular expressions of what is known to differ (tests/flink/quirks.txt)."""

    def __init__(self):
        self.rules = [(re.compile(rule), why) for why, rule in expression_cases.sections("quirks.txt")]

    def of(self, text, flink, ours):
        if is_bug(flink, ours):
            return "a bug of Flink"
        return next((why for rule, why in self.rules if rule.search(text)), None)


def quirks():
    return Quirks()


def path(kind, seed):
    return os.path.join(FOLDER, "generated", f"{kind}_{seed}.expected")


def known():
    """{expression, or mode and query: why Tailrace may differ}"""
    return {text: why for why, text in expression_cases.sections("generated/known_differences.txt")}


def write_expressions(version, seed, answers):
    with open(path("expressions", seed), "w", encoding="utf-8") as file:
        file.write(f"# What Flink {version} answers to the expressions of seed {seed}: expression, type, values (or error), with tabs "
                   "between.\n# Written by tests/flink/generate record.\n")
        file.writelines(f"{text}\t{answer}\n" for text, answer in answers.items())


def read_expressions(seed):
    with open(path("expressions", seed), encoding="utf-8") as file:
        return dict(line.split("\t", 1) for line in file.read().split("\n") if line and not line.startswith("#"))


def write_queries(version, seed, answers):
    """answers: {(mode, query): answer}"""
    with open(path("queries", seed), "w", encoding="utf-8") as file:
        file.write(f"# What Flink {version} answers to the queries of seed {seed}: mode and query, then, behind two spaces, its columns "
                   "and rows (or error).\n# Written by tests/flink/generate record.\n")
        for (mode, text), answer in answers.items():
            file.write(f"{mode} {text}\n" + "".join(f"  {line}\n" for line in answer))


def read_queries(seed):
    out = {}
    with open(path("queries", seed), encoding="utf-8") as file:
        for line in file.read().split("\n"):
            if line.startswith("  "):
                answer.append(line[2:])
            elif line and not line.startswith("#"):
                mode, text = line.split(" ", 1)
                answer = out[mode, text] = []
    return out
