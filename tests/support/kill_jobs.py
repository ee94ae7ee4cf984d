# SPDX-License-Identifier: Apache-2.0
"""What the tests that disturb whole jobs have in common: the jobs, their input, and how published rows are compared."""

import collections
import glob
import os
import subprocess
import time

from stream_model import rows_of_model

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

BIDS = """CREATE TABLE bids (auction BIGINT, bidder BIGINT, price INT, channel STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'filesystem', 'path' = '${DIR}/bids.csv', 'format' = 'csv', 'source.chunk-size' = '32 kb');
"""

NEXMARK = """CREATE TABLE nexmark (
  event_type INT,
  person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING,
    state STRING, `dateTime` TIMESTAMP(3), extra STRING>,
  auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT,
    `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
    `dateTime` TIMESTAMP(3), extra STRING>,
  `dateTime` AS CASE event_type WHEN 0 THEN person.`dateTime` WHEN 1 THEN auction.`dateTime`
    ELSE bid.`dateTime` END,
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH ('connector' = 'nexmark', 'events.num' = '%d', 'first-event.rate' = '100000', 'seed' = '7');
"""

# name, statements, the tables' schema, whether another parallelism after a restart is part of the test
JOBS = {
    "project": BIDS + """
CREATE TABLE sink (bidder BIGINT, cents INT, channel STRING)
WITH ('connector' = 'filesystem', 'path' = '${OUT}/sink', 'format' = 'csv');
INSERT INTO sink SELECT bidder, price * 100, UPPER(channel) FROM bids WHERE MOD(auction, 3) <> 0;
""",
    "tumble": BIDS + """
CREATE TABLE sink (channel STRING, bidder BIGINT, n BIGINT, total BIGINT, high INT, w TIMESTAMP(3))
PARTITIONED BY (channel)
WITH ('connector' = 'filesystem', 'path' = '${OUT}/sink', 'format' = 'json');
INSERT INTO sink SELECT channel, bidder, COUNT(*), SUM(CAST(price AS BIGINT)), MAX(price), window_start
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY channel, bidder, window_start, window_end;
""",
    "two": BIDS + """
CREATE TABLE hops (auction BIGINT, bidders BIGINT, mean DOUBLE, w TIMESTAMP(3))
WITH ('connector' = 'filesystem', 'path' = '${OUT}/hops', 'format' = 'csv');
CREATE TABLE visits (bidder BIGINT, n BIGINT, first TIMESTAMP(3), last TIMESTAMP(3))
WITH ('connector' = 'filesystem', 'path' = '${OUT}/visits', 'format' = 'csv');
EXECUTE STATEMENT SET BEGIN
INSERT INTO hops SELECT auction, COUNT(DISTINCT bidder), AVG(CAST(price AS DOUBLE)), window_start
FROM TABLE(HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '15' SECOND))
GROUP BY auction, window_start, window_end;
INSERT INTO visits SELECT bidder, COUNT(*), window_start, window_end
FROM TABLE(SESSION(TABLE bids PARTITION BY bidder, DESCRIPTOR(ts), INTERVAL '3' SECOND))
GROUP BY bidder, window_start, window_end;
END;
""",
    "generated": NEXMARK % 3000000 + """
CREATE TABLE sink (auction BIGINT, n BIGINT, total DECIMAL(38, 0), w TIMESTAMP(3))
WITH ('connector' = 'filesystem', 'path' = '${OUT}/sink', 'format' = 'csv');
INSERT INTO sink SELECT bid.auction, COUNT(*), SUM(CAST(bid.price AS DECIMAL(20, 0))), window_start
FROM TABLE(TUMBLE(TABLE nexmark, DESCRIPTOR(`dateTime`), INTERVAL '1' SECOND))
WHERE event_type = 2 GROUP BY bid.auction, window_start, window_end;
""",
    # about 50 MB of state in 12: what is beyond it is in a file that no run after a kill may need
    "spilled": "SET 'state.memory.limit' = '12 mb';\n" + NEXMARK % 1200000 + """
CREATE TABLE sink (auction BIGINT, bidder BIGINT, n BIGINT, total BIGINT, channel STRING, w TIMESTAMP(3))
WITH ('connector' = 'filesystem', 'path' = '${OUT}/sink', 'format' = 'csv');
INSERT INTO sink SELECT bid.auction, bid.bidder, COUNT(*), SUM(bid.price), MAX(bid.channel), window_start
FROM TABLE(HOP(TABLE nexmark, DESCRIPTOR(`dateTime`), INTERVAL '1' SECOND, INTERVAL '2' SECOND))
WHERE event_type = 2 GROUP BY bid.auction, bid.bidder, window_start, window_end HAVING MOD(SUM(bid.price), 8) = 0;
""",
}

# Jobs in C: name -> source. They read bids.csv, and a model says what they publish.
PLUGINS = {"streams": os.path.join(TOP, "tests", "support", "kill_streams.c")}


def write_job(folder, name, text=None):
    """The file that is run: a script, or a plugin that is built here."""
    if name not in PLUGINS:
        path = os.path.join(folder, name + ".sql")
        with open(path, "w") as file:
            file.write(JOBS[name] if text is None else text)
        return path
    path = os.path.join(folder, name + ".so")
    subprocess.run(["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-O2", "-pthread", "-shared", "-fPIC",
                    f"-I{TOP}/include", "-o", path, PLUGINS[name]], check=True)
    return path


def check_whole(folder, name, rows):
    """What is wrong with the rows of a run that nobody disturbed, or None."""
    if name in PLUGINS:
        return difference(rows_of_model(os.path.join(folder, "bids.csv")), rows)
    return None if any(rows.values()) else "it has published nothing"


def make_bids(path, rows, chance):
    """Bids in about the order of time; some up to 5 s late, some of them too late."""
    with open(path, "w") as file:
        for i in range(rows):
            ms = i * 7 - (chance.randrange(5000) if chance.random() < 0.05 else chance.randrange(300))
            ms = max(ms, 0)
            at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1_700_000_000 + ms // 1000))
            channel = chance.choice(["apple", "google", "\"a, b\"", "Zürich"])
            file.write(f"{chance.randrange(500)},{chance.randrange(2000)},{chance.randrange(10**6)},{channel},"
                       f"{at}.{ms % 1000:03d}\n")


def rows_of(out):
    """(table, folder) -> sorted rows; hidden names are what is not published."""
    rows = collections.defaultdict(list)
    for path in glob.glob(os.path.join(out, "**", "part-*"), recursive=True):
        with open(path, "rb") as file:
            rows[os.path.dirname(os.path.relpath(path, out))].extend(file.read().splitlines())
    return {folder: sorted(found) for folder, found in rows.items()}


def pending_of(out):
    return [path for path in glob.glob(os.path.join(out, "**", ".part-*"), recursive=True)
            if not path.endswith(".published")]  # which says how far the sink has come


def difference(expected, found):
    for folder in sorted(set(expected) | set(found)):
        want = collections.Counter(expected.get(folder, []))
        have = collections.Counter(found.get(folder, []))
        if want != have:
            return (f"{folder or '.'}: {sum((want - have).values())} rows lost {list((want - have))[:3]}, "
                    f"{sum((have - want).values())} too many {list((have - want))[:3]}")
    return None
