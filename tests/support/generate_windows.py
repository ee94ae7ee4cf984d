# SPDX-License-Identifier: Apache-2.0
"""Random windows of the DataStream API, for Flink and for us: tests/flink/src/Windows.java has the form of a case."""

import random


def windows_of(chance):
    kind = chance.choice(["tumbling", "sliding", "session", "session", "global", "count", "count"])
    if kind == "tumbling":
        size = chance.randint(2, 30)
        return kind, f"tumbling {size} {chance.choice([0, chance.randrange(size)])}"
    if kind == "sliding":
        slide = chance.randint(2, 12)
        size = slide * chance.randint(1, 3) + chance.choice([0, 0, chance.randrange(slide)])
        return kind, f"sliding {size} {slide} {chance.choice([0, chance.randrange(slide)])}"
    if kind == "session":
        return kind, f"session {chance.randint(1, 10)}"
    if kind == "count":
        return kind, f"count {chance.randint(1, 4)}" + chance.choice(["", f" {chance.randint(1, 3)}"])
    return kind, "global"


def case(chance):
    kind, windows = windows_of(chance)
    trigger, evictor, lateness = "default", "none", 0
    if kind == "global":
        trigger = chance.choice(["default", f"count {chance.randint(1, 4)}", f"purging count {chance.randint(1, 4)}"])
    elif kind != "count":
        trigger = chance.choice(["default", "default", f"count {chance.randint(1, 3)}", f"purging count {chance.randint(1, 3)}",
                                 "purging event", f"continuous {chance.randint(2, 9)}",
                                 f"purging continuous {chance.randint(2, 9)}"])
        lateness = chance.choice([0, 0, chance.randint(1, 20)])
    if kind in ("tumbling", "sliding", "global"):  # what a session evicts depends on the order in which Flink merges
        evictor = chance.choice(["none", "none", f"count {chance.randint(1, 3)}", f"count {chance.randint(1, 3)} after",
                                 f"time {chance.randint(1, 9)}", f"time {chance.randint(1, 9)} after"])
    form = chance.choice(["process", "reduce", "aggregate"])
    events, now, watermark = [], 1000, 900  # watermarks before 1970 count in the DataStream API of Flink only
    for i in range(chance.randint(8, 40)):
        now += chance.choice([0, 1, 1, 2, 3, 9])
        time = now - (chance.randint(1, 25) if chance.random() < 0.35 else 0)
        events.append(f"{chance.randint(1, 2)},{i + 1},{time}")
        if chance.random() < 0.4 and now - 4 > watermark:
            watermark = now - chance.randint(0, 4)
            events.append(f"w,{watermark}")
    return f"{windows};{trigger};{evictor};{lateness};{form};{' '.join(events)}"


def cases(seed, count):
    chance = random.Random(seed)
    return [case(chance) for _ in range(count)]
