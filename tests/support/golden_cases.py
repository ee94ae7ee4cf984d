# SPDX-License-Identifier: Apache-2.0
"""The cases in tests/golden: how a script says what it needs, and how two answers are compared."""

import difflib
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(TOP, "tests", "golden")


def names():
    return sorted(f[:-4] for f in os.listdir(GOLDEN) if f.endswith(".sql"))


def read(name, extension):
    with open(os.path.join(GOLDEN, name + extension), encoding="utf-8") as file:
        return file.read()


def is_refused(name):
    return os.path.exists(os.path.join(GOLDEN, name + ".err"))


def directives(script):
    """The `-- key: value` lines at the top."""
    out = {}
    for line in script.splitlines():
        match = re.match(r"-- (arguments|files|own|once|ordered)(?:: (.*))?$", line)
        if not match:
            break
        out[match[1]] = match[2] or ""
    return out


def published(folder):
    """The rows in the files of a directory tree: per directory, a line with its name, then its lines, sorted."""
    out = []
    for path, folders, files in os.walk(folder):
        folders.sort()
        lines = []
        for name in files:
            if name.startswith(".") and not name.endswith(".published"):
                return ["a pending file was left behind: " + name]
            with open(os.path.join(path, name), encoding="utf-8") as file:
                lines += file.read().splitlines()
        if files:
            out += ["[" + os.path.relpath(path, folder) + "]"] + sorted(lines)
    return out


def canonical(text, is_ordered):
    """The lines without task numbers; runs of rows sorted. A rule, a count or an empty line ends a run."""
    lines = [re.sub(r"^(?:(\w+):)?\d+> ", lambda m: m[1] + "> " if m[1] else "", line) for line in text.splitlines()]
    if is_ordered:
        return lines
    out, run = [], []
    for line in lines + [""]:
        if line == "" or re.match(r"\+-|Received a total|Empty set|\| op ", line):
            out += sorted(run) + [line]
            run = []
        else:
            run.append(line)
    return out[:-1]


def expected(name, how):
    """What NAME.out says, in the form in which answers are compared."""
    rows, _, files = read(name, ".out").partition("--- files\n")
    return canonical(rows, "ordered" in how) + files.splitlines()


def write(name, printed, files):
    """Makes NAME.out say this."""
    with open(os.path.join(GOLDEN, name + ".out"), "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in printed + (["--- files"] if files else []) + files)


def difference(first, second, first_name, second_name):
    return "".join("    " + line + "\n" for line in difflib.unified_diff(first, second, first_name, second_name,
                                                                       lineterm="", n=1))
