# SPDX-License-Identifier: Apache-2.0
"""What Tailrace answers to many expressions, in the form in which Flink's answers are kept (tests/flink/README.md)."""

import collections
import concurrent.futures
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

TAILRACE = os.path.abspath(os.environ.get("TAILRACE", os.path.join(TOP, "build", "release", "tailrace")))
A_SCRIPT = 20  # expressions bound together: Tailrace shows that many errors
A_RUN = 100  # expressions evaluated by one process, a job each


def tailrace(*arguments, script):
    return subprocess.run([TAILRACE, *arguments, "-"], input=script, encoding="utf-8", errors="replace", timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "NO_COLOR": "1", "TZ": "UTC"})


def visible(text):
    return re.sub(r"[\0-\x1f]", lambda c: f"\\u{ord(c[0]):04x}", text)


def declared(kind):
    """A column's type. Only literals have no length."""
    return re.sub(r"\b(?:VAR)?(CHAR|BINARY)\(0\)", r"VAR\1(1)", kind.replace(" *ROWTIME*", "").removesuffix(" NOT NULL"))


def bind_views(setup, texts):
    """{query: (is_good, [(name, type), ..] or error)}, from DESCRIBE of a view of each."""
    first = setup.count("\n") + 1
    script = setup + "".join(f"CREATE VIEW view{at} AS {text};\n" for at, text in enumerate(texts))
    answer = tailrace("lint", script=script)
    errors = {}
    for error, line in re.findall(r"^error (.*?)\n *--> [^\n]*:(\d+):\d+$", answer.stderr, re.M | re.S):
        errors.setdefault(int(line) - first, error.splitlines()[0])
    out = {text: (False, errors[at]) for at, text in enumerate(texts) if at in errors}
    if answer.returncode != 0 and not errors:
        return {text: (False, f"status {answer.returncode}: " + answer.stderr.strip()[-200:]) for text in texts}
    good = [text for text in texts if text not in out]
    if errors and good:
        out.update(bind_views(setup, good))
    elif good:
        script += "".join(f"DESCRIBE view{at};\n" for at in range(len(texts)))
        tables = tailrace("run", "-q", script=script).stdout.split(" in set\n")[:-1]
        for text, table in zip(good, tables, strict=True):
            columns = re.findall(r"^\| +(\S+) \| +(\S.*?) \| +(TRUE|FALSE) \|", table, re.M)
            out[text] = (True, [(name, kind if null == "TRUE" else re.sub("$|(?= [*])", " NOT NULL", kind, count=1))
                                for name, kind, null in columns])
    return out


def bind(setup, texts):
    """{expression: (is_good, type or error)}."""
    queries = [f"SELECT {text} AS x FROM inputs" for text in texts]
    views = bind_views(setup, queries)
    return {text: (is_good, said[0][1] if is_good else said)
            for text, (is_good, said) in zip(texts, (views[query] for query in queries))}


def evaluate(setup, types, row_count):
    """{expression: "TYPE<tab>VALUE.." or "FAILED<tab>ERROR"}. A job that fails ends its script; the next one goes on behind it."""
    texts, out = list(types), {}
    while texts:
        script = setup
        for at, text in enumerate(texts):
            script += f"CREATE TABLE p{at} (n BOOLEAN, x {declared(types[text])}) " \
                      f"WITH ('connector' = 'print', 'print-identifier' = '{at}');\n" \
                      f"INSERT INTO p{at} SELECT x IS NULL, x FROM (SELECT {text} AS x FROM inputs);\n"
        answer = tailrace("run", "-q", "-p", "1", script=script)
        rows = re.findall(r"^(\d+)> \+I\[(true|false), (.*?)\](?=\n\d+> |\n?\Z)", answer.stdout, re.M | re.S)
        values = collections.defaultdict(list)
        for at, null, value in rows:
            values[int(at)].append("NULL" if null == "true" else visible(value))
        done = next((at for at in range(len(texts)) if len(values[at]) < row_count), len(texts))
        out.update((texts[at], "\t".join([types[texts[at]]] + values[at])) for at in range(done))
        if done < len(texts):
            out[texts[done]] = "FAILED\t" + " ".join(answer.stderr.split())[:300]
        texts = texts[done + 1:]
    return out


def answers(setup, texts, row_count):
    """{expression: answer} over the rows of the table `inputs` that a script makes."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        bound = {}
        for part in pool.map(lambda at: bind(setup, texts[at:at + A_SCRIPT]), range(0, len(texts), A_SCRIPT)):
            bound.update(part)
        out = {text: "REFUSED\t" + said for text, (is_good, said) in bound.items() if not is_good}
        types = [(text, said) for text, (is_good, said) in bound.items() if is_good]
        for part in pool.map(lambda at: evaluate(setup, dict(types[at:at + A_RUN]), row_count), range(0, len(types), A_RUN)):
            out.update(part)
    return out


def is_error(answer):
    return answer.startswith(("REFUSED\t", "FAILED\t"))
