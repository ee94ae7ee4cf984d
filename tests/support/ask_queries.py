# SPDX-License-Identifier: Apache-2.0
"""What Tailrace answers to many queries, in the form in which Flink's answers are kept: tests/flink/src/Queries.java."""

import collections
import concurrent.futures
import os
import re

from ask_expressions import bind_views, declared, tailrace, visible

A_RUN = 20  # queries of one process


def evaluate(setup, columns):
    """{query: [columns, row, ..] or [error]}. A job that fails ends its script; the next one goes on behind it."""
    texts, out = list(columns), {}
    while texts:
        script = setup
        for at, text in enumerate(texts):
            types = ", ".join(f"c{n} {declared(kind)}" for n, (_, kind) in enumerate(columns[text]))
            script += f"CREATE TABLE p{at} ({types}) WITH ('connector' = 'print', 'print-identifier' = '{at}');\n" \
                      f"CREATE TABLE z{at} (z INT) WITH ('connector' = 'print', 'print-identifier' = 'z{at}');\n" \
                      f"INSERT INTO p{at} {text};\nINSERT INTO z{at} VALUES (0);\n"
        answer = tailrace("run", "-q", "-p", "1", script=script)
        rows, done = collections.defaultdict(list), 0
        for table, row in re.findall(r"^(z?\d+)> (.*?)(?=\nz?\d+> |\n?\Z)", answer.stdout, re.M | re.S):
            if table.startswith("z"):
                done = int(table[1:]) + 1
            else:
                rows[int(table)].append(visible(row))
        for at in range(done):
            out[texts[at]] = ["\t".join(f"{name} {kind}" for name, kind in columns[texts[at]])] + rows[at]
        if done < len(texts):
            out[texts[done]] = ["FAILED\t" + " ".join(answer.stderr.split())[:300]]
        texts = texts[done + 1:]
    return out


def answers(setup, texts, is_batch):
    """{query: answer} over the tables that a script makes."""
    setup = ("SET 'execution.runtime-mode' = 'batch';\n" if is_batch else "") + setup
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        out, good = {}, {}
        for part in pool.map(lambda at: bind_views(setup, texts[at:at + A_RUN]), range(0, len(texts), A_RUN)):
            for text, (is_good, said) in part.items():
                if is_good:
                    good[text] = said
                else:
                    out[text] = ["REFUSED\t" + said]
        items = list(good.items())
        for part in pool.map(lambda at: evaluate(setup, dict(items[at:at + A_RUN])), range(0, len(items), A_RUN)):
            out.update(part)
    return out
