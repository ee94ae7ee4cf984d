# SPDX-License-Identifier: Apache-2.0
"""What kill_streams.c publishes, worked out from its input without the engine: row by row, with Flink's rules for watermarks, timers,
windows and late rows."""

import calendar
import collections
import csv
import time

SPAN_MS, DELAY_MS, WINDOW_MS, GAP_MS = 30000, 2000, 10000, 1000


def bids_of(path):
    with open(path, newline="") as file:
        for auction, bidder, price, channel, at in csv.reader(file):
            second, ms = at.split(".")
            yield (int(auction), int(bidder), int(price), channel,
                   calendar.timegm(time.strptime(second, "%Y-%m-%d %H:%M:%S")) * 1000 + int(ms))


class Bidder:
    def __init__(self):
        self.count = self.sum = 0
        self.has_totals, self.highest = False, None
        self.mix_sum = self.mix_count = self.lasting = 0
        self.dear, self.channels, self.timers = [], {}, set()

    def add(self, price, channel, ms):
        self.count, self.sum = self.count + 1, self.sum + price
        self.highest = price if self.highest is None else max(self.highest, price)
        self.mix_sum, self.mix_count, self.lasting = self.mix_sum + price, self.mix_count + 1, self.lasting + 1
        if price > 700000:
            self.dear.append(price)
        self.channels[channel] = self.channels.get(channel, 0) + 1
        self.timers.add((ms // SPAN_MS + 1) * SPAN_MS)

    def fire(self, key, until):
        for at in sorted(t for t in self.timers if t <= until):
            self.timers.remove(at)
            yield (key, at, self.count, self.sum, -1 if self.highest is None else self.highest,
                   7 * self.mix_sum + self.mix_count, sum((i + 1) * p for i, p in enumerate(self.dear)),
                   sum((i + 1) * self.channels[c] for i, c in enumerate(sorted(self.channels, key=str.encode))), self.lasting)
            self.dear, self.channels = [], {}
            if self.count % 7 == 0:
                self.highest = None
            if self.count % 5 == 0:
                self.count = self.sum = 0


class Model:
    def __init__(self):
        self.out = collections.defaultdict(list)
        self.bidders = collections.defaultdict(Bidder)
        self.windows = collections.defaultdict(lambda: [0, 0])
        self.folded = {}
        self.dearest, self.cheapest = collections.defaultdict(list), collections.defaultdict(list)
        self.sessions = collections.defaultdict(list)  # bidder -> [start, end, count, sum]
        self.rows = collections.defaultdict(list)
        self.sides = collections.defaultdict(lambda: [0, 0, 0, 0])
        self.counts, self.highest = collections.Counter(), {}

    def add(self, auction, bidder, price, channel, ms, watermark):
        self.out["bidders"] += self.bidders[bidder].fire(bidder, self.fired(bidder, watermark))
        self.bidders[bidder].add(price, channel, ms)
        start = ms // WINDOW_MS * WINDOW_MS
        if start + WINDOW_MS - 1 > watermark:
            entry = self.windows[auction, start]
            entry[0], entry[1] = entry[0] + 1, entry[1] + price
        if price > 900000:
            total, n = self.folded.get(auction, (0, 0))
            self.folded[auction] = (total + price, n + 1)
            self.out["folded"].append((auction, *self.folded[auction]))
        if price >= 950000:
            self.dearest[auction].append((price, ms))
        if price < 30000:
            self.cheapest[auction].append((price, ms))
        if price > 600000:
            self.out["looked_up"].append((auction, 2 * price + 1, bidder))
        self.session(bidder, price, ms, watermark)
        rows = self.rows[auction]
        rows.append(price)
        if len(rows) % 3 == 0:
            last = rows[-10:]
            self.out["counted"].append((auction, len(last), sum((i + 1) * p for i, p in enumerate(last))))
        side = self.sides[auction]
        at = 0 if price >= 500000 else 2
        side[at], side[at + 1] = side[at] + 1, side[at + 1] + price
        self.counts[bidder] += 1
        self.highest[channel] = max(price, self.highest.get(channel, price))

    def fired(self, bidder, watermark):
        """Timers come when the watermark has moved since the key's last row."""
        seen = self.bidders[bidder]
        moved = watermark > getattr(seen, "watermark", -1 << 62)
        seen.watermark = watermark
        return watermark if moved else -1 << 62

    def session(self, bidder, price, ms, watermark):
        self.end_sessions(bidder, watermark)
        merged, rest = [ms, ms + GAP_MS, 1, price], []
        for s in self.sessions[bidder]:
            if s[0] <= ms + GAP_MS and ms <= s[1]:
                merged = [min(merged[0], s[0]), max(merged[1], s[1]), merged[2] + s[2], merged[3] + s[3]]
            else:
                rest.append(s)
        if merged[1] - 1 <= watermark:
            self.out["late"].append((bidder, price))
            return
        self.sessions[bidder] = rest + [merged]

    def end_sessions(self, bidder, watermark):
        for s in [s for s in self.sessions[bidder] if s[1] - 1 <= watermark]:
            self.sessions[bidder].remove(s)
            self.out["sessions"].append((bidder, *s))

    def join(self):
        for auction, dear in self.dearest.items():
            for price, at in dear:
                for cheap, when in self.cheapest[auction]:
                    if -20000 <= when - at <= 60000:
                        self.out["near"].append((auction, price, cheap))
                    if at // 60000 == when // 60000:
                        self.out["joined"].append((auction, price, cheap))

    def end(self):
        self.join()
        last = 1 << 62
        for bidder, state in self.bidders.items():
            self.out["bidders"] += state.fire(bidder, last)
            self.end_sessions(bidder, last)
        self.out["windows"] = [(auction, start // 1000, *entry) for (auction, start), entry in self.windows.items()]
        self.out["connected"] = [(auction, *side) for auction, side in self.sides.items()]
        self.out["ruled"] = [(bidder, n, sum(self.highest.values())) for bidder, n in self.counts.items()]


def rows_of_model(path):
    """table -> sorted lines, as kill_jobs.rows_of has them."""
    model, watermark = Model(), -1 << 62
    for auction, bidder, price, channel, ms in bids_of(path):
        model.add(auction, bidder, price, channel, ms, watermark)
        watermark = max(watermark, ms - DELAY_MS - 1)  # as Flink has it: a row of that very time may still come
    model.end()
    return {table: sorted(",".join(map(str, row)).encode() for row in rows) for table, rows in model.out.items()}
