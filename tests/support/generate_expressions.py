# SPDX-License-Identifier: Apache-2.0
"""Random typed expressions over random rows, from a seed; and what smaller expressions one that differs may be shrunk to.

An expression is a tree: a shape of tests/flink/shapes.txt (a text with places) and an expression for each place. A place asks
for a family of types, so most of what comes out is valid; now and then one gets another family, and is refused by both.
"""

import collections
import json
import os
import re

from draw import Draw

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "flink")
ROWS = 6  # of the table `inputs`
DEPTH = 3
WRONG_PERCENT = 1  # places that get an expression of any family

GROUPS = {"n": "ilfc", "e": "ilc", "x": "mz", "p": "dmz", "a": "bilfcsdtmz", "v": "bilfcsydtmzASKR"}
CHILD_FAMILIES = "bilfcsjydtmzIMASKRqQ"

# Columns of `inputs`: name, type, family, values that are edges. JSON, as Flink's format reads it.
COLUMNS = [
    ("b", "BOOLEAN", "b", [True, False]),
    ("b2", "BOOLEAN", "b", [True, False]),
    ("i8", "TINYINT", "i", [0, 1, -1, 127, -128]),
    ("i16", "SMALLINT", "i", [0, 1, 32767, -32768, 300]),
    ("i32", "INT", "i", [0, 1, -1, 2147483647, -2147483648, 7, 42]),
    ("k32", "INT", "i", [0, 1, 2, 3, 4, 5]),
    ("i64", "BIGINT", "l", [0, 1, -1, 9223372036854775807, -9223372036854775808, 5000000000]),
    ("k64", "BIGINT", "l", [0, 1, -7, 1000, 123456789012]),
    ("f32", "FLOAT", "f", [0, 1.5, -0.25, 100, 0.5]),
    ("f64", "DOUBLE", "f", [0, 1.5, -2.5, 0.1, 1e10, -3.75, 1e-7, 123456.789]),
    ("c0", "DECIMAL(5, 0)", "c", ["0", "1", "99999", "-99999"]),
    ("c2", "DECIMAL(10, 2)", "c", ["0.00", "1.50", "-0.05", "99999999.99", "-1234.56"]),
    ("c10", "DECIMAL(20, 10)", "c", ["0", "0.0000000001", "-9999999999.9999999999", "12345.0123456789"]),
    ("c18", "DECIMAL(38, 18)", "c", ["1.000000000000000001", "-12345678901234567890.123456789012345678", "0.5"]),
    ("s", "STRING", "s", ["", "a", "Hello", "  pad ", "hello world", "b,a,,c", "Zürich 日本 🙂", "100%", "a_b"]),
    ("v", "VARCHAR(10)", "s", ["", "abc", "ABC", "ll", "0123456789"]),
    ("h", "CHAR(4)", "s", ["ab", "abcd", "", "l"]),
    ("num", "STRING", "s", ["42", "-1.5", " 7 ", "1e3", "abc", "", "2147483648", "true", "0.00"]),
    ("when_text", "STRING", "s", ["2024-02-29", "2024-02-29 12:34:56.789", "12:34:56", "1999-1-2", "2024-13-01", "x"]),
    ("js", "STRING", "j", ['{"a": 5, "b": [10, 20, {"c": true}], "d": "text"}', '{"a": "x", "b": {}}', "[1, [2, 3], \"z\"]",
                           "[]", "null", "true", '{"a": null}', "{x"]),
    ("bin", "BYTES", "y", ["", "YQ==", "aGk=", "AP8="]),
    ("d", "DATE", "d", ["2024-02-29", "1970-01-01", "1969-12-31", "2023-12-31", "1900-03-01", "2038-01-19"]),
    ("d2", "DATE", "d", ["2024-03-01", "2000-01-31", "2021-01-03"]),
    ("t", "TIME", "t", ["00:00:00", "12:34:56", "23:59:59", "09:05:01"]),
    ("ts0", "TIMESTAMP(0)", "m", ["2024-02-29 12:34:56", "1969-12-31 00:00:00", "2024-12-31 00:00:00"]),
    ("ts3", "TIMESTAMP(3)", "m", ["2024-02-29 12:34:56.789", "2001-09-09 01:46:40.001", "1999-12-31 23:59:59.999"]),
    ("ts6", "TIMESTAMP(6)", "m", ["2024-03-31 02:30:00.123456", "1970-01-01 00:00:00.000001"]),
    ("ts9", "TIMESTAMP(9)", "m", ["2024-12-31 23:59:59.123456789", "1980-06-01 05:06:07"]),
    ("tz3", "TIMESTAMP_LTZ(3)", "z", ["2024-07-10 06:59:59.500Z", "1970-01-02 00:00:00Z", "2024-01-15 17:00:00Z"]),
    ("tz6", "TIMESTAMP_LTZ(6)", "z", ["2024-02-03 05:30:00.123456Z", "2010-10-10 10:10:10.1Z"]),
    ("list", "ARRAY<INT>", "A", [[], [1], [3, None, 1], [2, 2, 7, -1], [None]]),
    ("list2", "ARRAY<INT>", "A", [[1, 2, 3], [7, None], []]),
    ("texts", "ARRAY<STRING>", "S", [[], ["a"], ["b", "a", None], ["", "x", "x"]]),
    ("named", "MAP<STRING, INT>", "K", [{}, {"x": 1}, {"k": None}]),
    ("pair", "ROW<a INT, b STRING>", "R", [{"a": 5, "b": "five"}, {"a": None, "b": "z"}, {"a": 1, "b": None}]),
]

# What a shape's text consists of: a text, or a place: the families or texts to choose from, and a number for a common choice.
Place = collections.namedtuple("Place", "choices number")
Shape = collections.namedtuple("Shape", "parts")


class Tree(collections.namedtuple("Tree", "shape family children")):
    """An expression. `children` has what was chosen for each place: a Tree, or a text."""

    SHOWN = "bilfcsjydtmzASKR~!"  # families whose values are compared: how intervals are shown is another matter

    def text(self, is_whole=True):
        out, at = "", 0
        for part in self.shape.parts:
            if isinstance(part, str):
                out += part
            else:
                child = self.children[at]
                out += child if isinstance(child, str) else child.text(False)
                at += 1
        is_simple = is_whole or re.fullmatch(r"\w+|[A-Z_0-9]+[(\[].*[)\]]|'[^']*'", out, re.S)
        return out if is_simple else f"({out})"

    def subtrees(self):
        """The trees in it, small ones first."""
        for child in self.children:
            if isinstance(child, Tree):
                yield from child.subtrees()
                if child.family in self.SHOWN:
                    yield child

    def replaced(self, at, child):
        return Tree(self.shape, self.family, self.children[:at] + (child,) + self.children[at + 1:])

    def smaller(self, leaves):
        """Trees with one inner tree replaced by a leaf of its family."""
        for at, child in enumerate(self.children):
            if isinstance(child, Tree):
                if child.children:
                    yield from (self.replaced(at, leaf) for leaf in leaves.get(child.family, []))
                yield from (self.replaced(at, smaller) for smaller in child.smaller(leaves))


def parse_shape(text):
    parts = []
    for at, piece in enumerate(re.split(r"\{(\w\d?|@|[^{}]*\|[^{}]*)\}", text)):
        if at % 2 == 0:
            parts += [piece] if piece else []
        elif "|" in piece:
            parts.append(Place(tuple(piece.split("|")), ""))
        else:
            parts.append(Place(("@" + piece[0],), piece[1:]))
    return Shape(tuple(parts))


class Grammar:
    """The shapes by family, and the leaves: literals and columns."""

    def __init__(self, columns=COLUMNS, is_closed=False):
        """is_closed: for other columns; nothing of wrong families, or that names columns of `inputs`."""
        self.shapes, self.leaves = collections.defaultdict(list), collections.defaultdict(list)
        self.wrong_percent = 0 if is_closed else WRONG_PERCENT
        others = re.compile(r"\b(" + "|".join(name for name, *_ in COLUMNS if len(name) > 1) + r")\b|TYPEOF")
        with open(os.path.join(FOLDER, "shapes.txt"), encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#") and not (is_closed and others.search(line)):
                    families, text = line.rstrip("\n").split("\t")
                    shape = Shape((text,)) if families in "qQ" else parse_shape(text)
                    is_leaf = all(isinstance(part, str) for part in shape.parts)
                    for family in families:
                        (self.leaves if is_leaf else self.shapes)[family].append(shape)
        self.columns = collections.defaultdict(list)
        for name, _, family, _ in columns:
            self.columns[family].append(Shape((name,)))

    def leaf(self, draw, family):
        columns = self.columns.get(family)
        if columns and (draw.chance(75) or family not in self.leaves):
            return Tree(draw.one(columns), family, ())
        return Tree(draw.one(self.leaves[family]), family, ())

    def small_leaves(self):
        """What an inner tree may be replaced by when a difference is shrunk: two columns and two literals a family."""
        return {family: [Tree(shape, family, ()) for shape in
                         self.columns.get(family, [])[:2] + self.leaves.get(family, [])[:2]]
                for family in CHILD_FAMILIES}

    def tree(self, draw, family, depth, is_top=False):
        if not is_top and draw.chance(self.wrong_percent):
            family = "v"
        family = draw.one(GROUPS.get(family, family))
        if family not in self.shapes or depth == 0 or (not is_top and draw.chance(35)):
            return self.leaf(draw, family)
        shape, common, children = draw.one(self.shapes[family]), {}, []
        for place in (part for part in shape.parts if not isinstance(part, str)):
            choice = draw.one(place.choices)
            wanted = family if choice == "@@" else choice[1:]
            if place.number:
                wanted = common.setdefault(place, draw.one(GROUPS.get(wanted, wanted)))
            children.append(self.tree(draw, wanted, depth - 1) if choice.startswith("@") else choice)
        return Tree(shape, family, tuple(children))


def expressions(grammar, seed, count):
    """{text: Tree} of a seed."""
    draw, out = Draw(seed, 1), {}
    families = "bilfcsydtmzASKRj" + "~" + "bilcsdmz" + "!"
    while len(out) < count:
        tree = grammar.tree(draw, draw.one(families), 1 + draw.below(DEPTH), True)
        if len(tree.text()) <= 160:
            out.setdefault(tree.text(), tree)
    return out


def random_value(draw, type_name, edges):
    if draw.chance(15):
        return None
    if draw.chance(75):
        return draw.one(edges)
    base = type_name.split("(")[0]
    return {
        "TINYINT": lambda: draw.below(256) - 128, "SMALLINT": lambda: draw.below(65536) - 32768,
        "INT": lambda: draw.below(2000) - 1000, "BIGINT": lambda: draw.below(10 ** 12) - 10 ** 11,
        "FLOAT": lambda: (draw.below(4000) - 2000) / 4, "DOUBLE": lambda: (draw.below(4000000) - 2000000) / 64,
        "DECIMAL": lambda: str(draw.below(100000) - 50000), "DATE": lambda: f"20{draw.below(90) + 10}-0{draw.below(9) + 1}-1{draw.below(10)}",
        "TIME": lambda: f"1{draw.below(10)}:{draw.below(50) + 10}:0{draw.below(10)}",
    }.get(base, lambda: draw.one(edges))()


def setup(seed, folder):
    """The script that makes the table `inputs`, whose rows are written to a file in `folder`."""
    draw, path = Draw(seed, 2), os.path.join(folder, f"inputs_{seed}.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(ROWS):
            row = {name: random_value(draw, kind, edges) for name, kind, _, edges in COLUMNS}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return "SET 'table.local-time-zone' = 'America/New_York';\nCREATE TABLE inputs (" + \
        ", ".join(f"{name} {kind}" for name, kind, _, _ in COLUMNS) + \
        f") WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'json');\n"
