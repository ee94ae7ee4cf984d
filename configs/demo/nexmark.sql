-- Nexmark's auction house, as fast as this machine can make and count it: bids per auction in the last ten seconds,
-- every two seconds of event time (the first half of Nexmark's query 5). The stream has no end; stop it with CTRL-C.
-- Run from the top of the repository:  build/release/tailrace run configs/demo/nexmark.sql

CREATE TABLE nexmark (
  event_type INT,
  person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING,
             `dateTime` TIMESTAMP(3), extra STRING>,
  auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT,
              `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
          `dateTime` TIMESTAMP(3), extra STRING>,
  `dateTime` AS CASE
    WHEN event_type = 0 THEN person.`dateTime`
    WHEN event_type = 1 THEN auction.`dateTime`
    ELSE bid.`dateTime`
  END,
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH (
  'connector'        = 'nexmark',
  'first-event.rate' = '1000000',
  'next-event.rate'  = '1000000'
);

CREATE VIEW bid AS
  SELECT bid.auction AS auction, bid.price AS price, `dateTime` FROM nexmark WHERE event_type = 2;

CREATE TABLE hot_auctions (
  auction      BIGINT,
  num          BIGINT,
  window_start TIMESTAMP(3),
  window_end   TIMESTAMP(3)
) WITH ('connector' = 'blackhole');

INSERT INTO hot_auctions
SELECT auction, COUNT(*) AS num, window_start, window_end
FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
GROUP BY auction, window_start, window_end;
