# SPDX-License-Identifier: Apache-2.0
"""Random queries over small random tables, from a seed; and the smaller queries one that differs may be shrunk to.

A query is a list of parts: a text, Maybe (parts that may be left out), or Items (a list of which some may be left out). The tables
have one schema: `o1` and `o2` have no late row, `late` has some, `zoned` has a TIMESTAMP_LTZ. What depends on the order of rows
(LISTAGG, a Top-N with ties) is asked only where Flink promises that order.
"""

import collections
import json
import os

from draw import Draw
from generate_expressions import Grammar

Maybe = collections.namedtuple("Maybe", "parts")
Items = collections.namedtuple("Items", "choices")

ROWS = 40
COLUMNS = [("id", "INT", "i", None), ("k", "STRING", "s", None), ("g", "INT", "i", None), ("v", "INT", "i", None),
           ("w", "BIGINT", "l", None), ("x", "DECIMAL(10, 2)", "c", None), ("f", "DOUBLE", "f", None),
           ("s", "STRING", "s", None), ("ok", "BOOLEAN", "b", None), ("due", "DATE", "d", None),
           ("tags", "ARRAY<STRING>", "S", None)]
NAMES = [name for name, *_ in COLUMNS]
FAMILY = {name: family for name, _, family, _ in COLUMNS}
TABLES = {"o1": ("TIMESTAMP(3)", 4, False), "o2": ("TIMESTAMP(3)", 4, False), "late": ("TIMESTAMP(3)", 2, True),
          "zoned": ("TIMESTAMP_LTZ(3)", 4, False)}  # type of ts, seconds of the watermark's delay, has late rows


def text(parts):
    out = ""
    for part in parts:
        if isinstance(part, str):
            out += part
        elif isinstance(part, Maybe):
            out += text(part.parts)
        else:
            out += ", ".join(text(choice) for choice in part.choices)
    return out


def smaller(parts):
    """Lists of parts with one of them left out, the greater ones first."""
    for at, part in enumerate(parts):
        before, after = parts[:at], parts[at + 1:]
        if isinstance(part, Maybe):
            yield before + after
            yield from (before + [Maybe(inner)] + after for inner in smaller(part.parts))
        elif isinstance(part, Items):
            if len(part.choices) > 1:
                for n in range(len(part.choices)):
                    yield before + [Items(part.choices[:n] + part.choices[n + 1:])] + after
            for n, choice in enumerate(part.choices):
                for inner in smaller(choice):
                    yield before + [Items(part.choices[:n] + [inner] + part.choices[n + 1:])] + after


# ---- data ----

def rows(draw, kind, has_late):
    """JSON rows whose times go forward, back by less than two seconds, and, if wanted, now and then by half a minute."""
    now = 59 * 60_000
    for number in range(ROWS):
        now += draw.below(4000)
        back = draw.below(1900) + (draw.below(30_000) if has_late and draw.chance(15) else 0)
        at = max(0, now - back)
        when = f"2024-02-29 {18 + at // 3_600_000:02}:{at // 60_000 % 60:02}:{at // 1000 % 60:02}.{at % 1000:03}"
        row = {
            "id": number, "k": draw.one(["a", "b", "c", "D", "é", None]), "g": draw.one([0, 1, 2, -1, None]),
            "v": draw.one([None, 0, 1, 5, 5, 7, -3, 100, draw.below(50)]), "w": draw.one([None, 3, 10 ** 10, -7, draw.below(999)]),
            "x": draw.one([None, "0.10", "-5.25", "99.99", str(draw.below(1000)) + ".50"]),
            "f": draw.one([None, 0.25, -1.5, 8, draw.below(100) / 4]), "s": draw.one([None, "", "x", "yy", "Hello", "x"]),
            "ok": draw.one([True, False, None]), "due": draw.one(["2024-02-29", "2023-12-31", "2024-03-01", None]),
            "tags": draw.one([None, [], ["p"], ["p", "q"], ["q", None, "q"]]), "ts": when + ("Z" if "LTZ" in kind else ""),
        }
        yield json.dumps(row, ensure_ascii=False)


def setup(seed, folder):
    """The script that makes the tables, whose rows are written to files in `folder`."""
    draw = Draw(seed, 3)
    script = f"SET 'table.local-time-zone' = '{draw.one(['UTC', 'America/New_York', 'Asia/Kolkata'])}';\n"
    for name, (kind, delay, has_late) in TABLES.items():
        path = os.path.join(folder, f"{name}_{seed}.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(row + "\n" for row in rows(draw, kind, has_late))
        columns = ", ".join(f"{column} {column_type}" for column, column_type, *_ in COLUMNS)
        script += f"CREATE TABLE {name} ({columns}, ts {kind}, WATERMARK FOR ts AS ts - INTERVAL '{delay}' SECOND) " \
                  f"WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'json');\n"
    return script


# ---- queries ----

class Maker:
    def __init__(self, seed, is_batch):
        self.draw = Draw(seed, 4 + is_batch)
        self.is_batch = is_batch
        self.grammar = Grammar(columns=COLUMNS, is_closed=True)

    def expression(self, family, depth=2):
        return self.grammar.tree(self.draw, family, depth, True).text(False)

    def where(self, percent=50):
        draw = self.draw
        if not draw.chance(percent):
            return []
        condition = self.expression("b") if draw.chance(40) else draw.one(
            ["v > 3", "k <> 'a'", "ok", "NOT ok", "id % 3 <> 1", "s IS NULL OR v < 10", "k IN ('a', 'b', 'é')", "x BETWEEN 0 AND 50",
             "f * 2 > v", "COALESCE(g, 1) = 1", "CHAR_LENGTH(s) > 0", "CARDINALITY(tags) > 0", "w IS NOT NULL AND v IS NOT NULL"])
        return [Maybe([" WHERE " + condition])]

    def interval(self, seconds):
        return f"INTERVAL '{seconds}' SECOND"

    def window(self, table, time="ts", may_be_session=True):
        """(the table function, the keys it asks for)."""
        draw = self.draw
        kind = draw.below(5 if may_be_session and not self.is_batch else 4)
        size = draw.one([5, 10, 20, 60])
        offset = f", {self.interval(draw.one([1, 3, -2]))}" if draw.chance(20) else ""
        if kind <= 1:
            return f"TABLE(TUMBLE(TABLE {table}, DESCRIPTOR({time}), {self.interval(size)}{offset}))", []
        if kind == 2:
            slide = draw.one([size, size / 5, 2, 5])
            slide = int(min(slide, size))
            return f"TABLE(HOP(TABLE {table}, DESCRIPTOR({time}), {self.interval(slide)}, {self.interval(size)}{offset}))", []
        if kind == 3:
            return f"TABLE(CUMULATE(TABLE {table}, DESCRIPTOR({time}), {self.interval(size)}, " \
                   f"{self.interval(size * draw.one([1, 2, 3]))}{offset}))", []
        keys = draw.one([["k"], ["g"], ["k", "g"], []])
        by = f" PARTITION BY {keys[0] if len(keys) == 1 else '(' + ', '.join(keys) + ')'}" if keys else ""
        return f"TABLE(SESSION(TABLE {table}{by}, DESCRIPTOR({time}), {self.interval(draw.one([1, 2, 3]))}))", keys

    def aggregate(self, columns=NAMES, is_ordered=True):
        """One aggregate call over some columns."""
        draw = self.draw
        by = collections.defaultdict(list)
        for name in columns:
            by[FAMILY.get(name, "i")].append(name)
        numbers = [name for family in "ilcf" for name in by[family]]
        exact = [name for family in "ilc" for name in by[family]]
        comparable = [name for name in columns if name != "tags"]
        distinct = draw.one(["", "", "DISTINCT "])
        choices = [
            lambda: "COUNT(*)", lambda: f"COUNT({distinct}{draw.one(comparable)})", lambda: f"SUM({distinct}{draw.one(numbers)})",
            lambda: f"AVG({distinct}{draw.one(numbers)})", lambda: f"{draw.one(['MIN', 'MAX'])}({draw.one(comparable)})",
            lambda: f"{draw.one(['STDDEV_POP', 'VAR_POP'])}({draw.one(exact)})",
        ]
        if columns is NAMES:  # of a column that is NOT NULL, Flink gives -1 for the variance of one row
            choices += [lambda: f"{draw.one(['VAR_SAMP', 'STDDEV_SAMP'])}({draw.one(exact)})"]
            choices += [lambda: f"{draw.one(['SUM', 'AVG'])}({self.expression(draw.one('il'), 1)} % 1000)",
                        lambda: f"{draw.one(['MIN', 'MAX', 'COUNT'])}({self.expression(draw.one('ilcsd'), 1)})",
                        lambda: f"COUNT(DISTINCT {self.expression(draw.one('ilcs'), 1)})"]
            if is_ordered and not self.is_batch:
                choices += [lambda: f"FIRST_VALUE({draw.one(comparable)})", lambda: f"LAST_VALUE({draw.one(comparable)})",
                            lambda: f"LISTAGG({draw.one(by['s'])})", lambda: f"ARRAY_AGG({draw.one(comparable)})",
                            lambda: f"JSON_ARRAYAGG({draw.one(['s', 'v'])} {draw.one(['NULL', 'ABSENT'])} ON NULL)"]
        call = draw.one(choices)()
        if draw.chance(25) and columns is NAMES:
            return [call, Maybe([f" FILTER (WHERE {self.expression('b', 1)})"])]
        return [call]

    def aggregates(self, columns=NAMES, is_ordered=True):
        return [[*self.aggregate(columns, is_ordered), f" AS a{n}"] for n in range(1 + self.draw.below(4))]

    def keys(self, wanted=()):
        some = self.draw.one([[], ["k"], ["g"], ["k", "g"], ["ok"], ["k", "ok", "g"], ["v % 3"], ["UPPER(k)"], ["due"]])
        return list(wanted) or some

    def grouping(self, keys, before):
        """(what follows GROUP BY, the keys with aliases, whether sets are grouped by)."""
        draw, fixed = self.draw, "".join(key + ", " for key in before)
        if len(keys) < 1 or not draw.chance(25):
            return ", ".join(before + keys)
        kind = draw.one(["ROLLUP", "CUBE", "SETS"])
        if kind != "SETS":
            return f"{fixed}{kind} ({', '.join(keys)})"
        sets = [f"({', '.join(draw.some(keys, len(keys)))})" for _ in range(1 + draw.below(2))] + ["()"]
        return f"{fixed}GROUPING SETS ({', '.join(dict.fromkeys(sets))})"

    def having(self):
        condition = self.draw.one(["COUNT(*) > 1", "SUM(v) > 3", "MAX(x) IS NOT NULL", "COUNT(DISTINCT s) < 3", "MIN(v) + 1 < 7"])
        return [Maybe([" HAVING " + condition])] if self.draw.chance(25) else []

    def windowed(self, table):
        function, wanted = self.window(table)
        keys = self.keys(wanted)
        select = [["window_start"], ["window_end"]] + [[f"{key} AS key{n}"] for n, key in enumerate(keys)]
        group = ", ".join(["window_start", "window_end"] + keys) if wanted else \
            self.grouping(keys, ["window_start", "window_end"])
        return ["SELECT ", Items(select + self.aggregates(is_ordered="SETS" not in group)), f" FROM {function}", *self.where(30),
                f" GROUP BY {group}", *self.having()]

    def legacy(self, table):
        draw = self.draw
        size = self.interval(draw.one([5, 10, 60]))
        kind, args = draw.one([("TUMBLE", f"ts, {size}"), ("HOP", f"ts, {self.interval(5)}, {self.interval(10)}"),
                               ("SESSION", f"ts, {self.interval(draw.one([1, 3]))}")][:2 if self.is_batch else 3])
        keys = draw.one([[], ["k"], ["g"], ["k", "g"]])
        select = [[f"{kind}_{what}({args}) AS {what.lower()}"] for what in draw.some(["START", "END", "ROWTIME"], 3)]
        if self.is_batch:
            select = select[:1]
        return ["SELECT ", Items([[key] for key in keys] + select + self.aggregates()), f" FROM {table}", *self.where(30),
                f" GROUP BY {', '.join(keys + [f'{kind}({args})'])}", *self.having()]

    def inner(self, table, name):
        """A common table expression of windows by k, with a row time."""
        function, wanted = self.window(table, may_be_session=False)
        return [f"WITH {name} AS (SELECT window_start AS ws, window_end AS we, window_time AS rt, k, COUNT(*) AS n, SUM(v) AS total "
                f"FROM {function}", *self.where(30), " GROUP BY window_start, window_end, window_time, k) "]

    def cascade(self, table):
        columns = ["n", "total", "k"]
        if self.draw.chance(30):
            return [*self.inner(table, "a"), "SELECT ", Items([["ws"], ["we"]] + self.aggregates(columns)),
                    " FROM a GROUP BY ws, we"]
        function, _ = self.window("a", "rt", False)
        keys = self.draw.one([[], ["k"]])
        return [*self.inner(table, "a"), "SELECT ", Items([["window_start"], ["window_end"]] + [[key] for key in keys] +
                                                         self.aggregates(columns)), f" FROM {function}",
                f" GROUP BY {', '.join(['window_start', 'window_end'] + keys)}"]

    def top_n(self, table):
        draw = self.draw
        direction = draw.one(["", " DESC"])
        limit = draw.one(["rn = 1", "rn <= 2", "rn <= 3", "rn < 3"])
        if draw.chance(50):
            function, _ = self.window(table, may_be_session=False)
            by = draw.one(["", ", k", ", g"])
            order = draw.one([f"v{direction}, id", f"s{direction}, id DESC", f"x, f{direction}, id", f"id{direction}"])
            return ["SELECT ", Items([["window_start"], ["k"], ["g"], ["v"], ["id"], ["rn"]]), " FROM (SELECT *, ROW_NUMBER() OVER ("
                    f"PARTITION BY window_start, window_end{by} ORDER BY {order}) AS rn FROM {function}", *self.where(40),
                    f") WHERE {limit}"]
        return [*self.inner(table, "a"), "SELECT ", Items([["ws"], ["k"], ["n"], ["total"], ["rn"]]), " FROM (SELECT *, ROW_NUMBER() "
                f"OVER (PARTITION BY ws, we ORDER BY {draw.one(['n', 'total'])}{direction}, k) AS rn FROM a) WHERE {limit}"]

    def deduplicated(self, table):
        function, _ = self.window(table, may_be_session=False)
        by, direction = self.draw.one(["k", "g", "k, g", "ok"]), self.draw.one(["ASC", "DESC"])
        return ["SELECT ", Items([["window_start"], ["window_end"], ["k"], ["g"], ["v"], ["id"], ["ts"]]),
                " FROM (SELECT *, ROW_NUMBER() OVER ("
                f"PARTITION BY window_start, window_end, {by} ORDER BY ts {direction}) AS rn FROM {function}", *self.where(30),
                ") WHERE rn = 1"]

    def unnested(self, table):
        draw = self.draw
        names = draw.one(["u (tag)", "u (tag, pos)"])
        ordinality = " WITH ORDINALITY" if "pos" in names else ""
        join = draw.one([f"CROSS JOIN UNNEST(tags){ordinality} AS {names}", f"LEFT JOIN UNNEST(tags){ordinality} AS {names} ON TRUE"])
        return ["SELECT ", Items([["id"], ["tag"]] + ([["pos"]] if ordinality else []) +
                                 [[self.expression(draw.one("ils"), 1) + " AS e"]]), f" FROM {table} {join}", *self.where()]

    def unnested_windows(self, table):
        function, _ = self.window("q", may_be_session=False)
        return [f"WITH q AS (SELECT id, tag, v, ts FROM {table} CROSS JOIN UNNEST(tags) AS u (tag)) SELECT ",
                Items([["window_start"], ["tag"]] + self.aggregates(["id", "v"])), f" FROM {function}",
                " GROUP BY window_start, window_end, tag"]

    def projected(self, table):
        select = [[self.expression(self.draw.one("bilcsdS")) + f" AS e{n}"] for n in range(1 + self.draw.below(4))]
        return ["SELECT ", Items([["id"]] + select), f" FROM {table}", *self.where(80)]

    def united(self, _):
        draw = self.draw
        select = draw.one([("id", "v"), ("k", "w"), ("id", "x"), ("s", "f"), ("k", "x")])
        other = draw.one([("g", "w"), ("id", "x"), ("g", "v")]) if select[0] == "id" else ("s", select[1])
        return [f"SELECT {select[0]} AS p, {select[1]} AS q FROM o1", *self.where(), " UNION ALL SELECT ",
                f"{other[0]}, {other[1]} FROM {draw.one(['o1', 'o2'])}", *self.where()]

    def united_windows(self, _):
        function, _ = self.window("q", may_be_session=False)
        return ["WITH q AS (SELECT k, v, id, ts FROM o1", *self.where(), " UNION ALL SELECT s, g, id, ts FROM o2", *self.where(),
                ") SELECT ", Items([["window_start"], ["k"]] + self.aggregates(["id", "v"])), f" FROM {function}",
                " GROUP BY window_start, window_end, k"]

    def filtered_windows(self, table):
        """A window over the rows, and computed columns, of a subquery."""
        function, _ = self.window("q", may_be_session=False)
        return ["WITH q AS (SELECT k, g, ts, ", Items([[self.expression(family, 2) + f" AS {name}"] for family, name in
                                                      [("i", "v"), ("l", "w"), ("s", "s")]]), f" FROM {table}", *self.where(60),
                ") SELECT ", Items([["window_start"], ["COUNT(*) AS n"]]), f" FROM {function}",
                " GROUP BY window_start, window_end"]

    def grouped(self, table):
        keys = self.keys()
        select = [[f"{key} AS key{n}"] for n, key in enumerate(keys)]
        by = [f" GROUP BY {self.grouping(keys, [])}"] if keys else []
        order = ["1", "2", "3"][:len(keys)] if keys and self.draw.chance(40) else []
        tail = [f" ORDER BY {', '.join(order)}", Maybe([f" LIMIT {self.draw.one([1, 3, 10])}"])] if order and len(by[0]) < 24 else []
        return ["SELECT ", *([Items(select), ", "] if select else []), Items(self.aggregates()), f" FROM {table}", *self.where(),
                *by, *self.having(), *tail]

    def distinct(self, table):
        columns = self.draw.some(["k", "g", "ok", "v % 2", "due", "s"], 3)
        return ["SELECT DISTINCT ", Items([[f"{column} AS c{n}"] for n, column in enumerate(columns)]), f" FROM {table}", *self.where()]

    def sorted(self, table):
        draw = self.draw
        order = [column + draw.one(["", " DESC", " ASC NULLS LAST", " DESC NULLS FIRST"]) for column in
                 draw.some(["k", "g", "v", "x", "f", "s", "ok", "due", "v % 3", "w"], 3)] + ["id"]
        limit = draw.one(["", " LIMIT 5", " LIMIT 5 OFFSET 3", " LIMIT 30 OFFSET 30", " FETCH FIRST 2 ROWS ONLY", " LIMIT 0"])
        return ["SELECT ", Items([["id"], ["k"], ["v"], ["x"]]), f" FROM {table}", *self.where(), f" ORDER BY {', '.join(order)}",
                Maybe([limit])]

    def query(self):
        draw = self.draw
        if self.is_batch:
            make = draw.one([self.grouped] * 4 + [self.sorted] * 3 + [self.distinct, self.windowed, self.windowed, self.cascade,
                                                                      self.united, self.unnested, self.united_windows])
        else:
            make = draw.one([self.windowed] * 6 + [self.legacy] * 2 + [self.cascade] * 2 + [self.top_n] * 2 +
                            [self.deduplicated, self.unnested, self.unnested_windows, self.projected, self.projected, self.united,
                             self.united_windows, self.filtered_windows])
        # Rows of one row time column: what is late depends on timing where two tables are read, so o1 and o2 have no late row.
        table = draw.one(["o1", "o1", "late", "late", "zoned"])
        return make(table)


def queries(seed, is_batch, count):
    """{text: parts} of a seed."""
    maker, out = Maker(seed, is_batch), {}
    while len(out) < count:
        parts = maker.query()
        out.setdefault(text(parts), parts)
    return out
