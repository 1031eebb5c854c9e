-- What people and channels do to an order after it was saved.

ALTER TABLE orders ADD COLUMN reserves INTEGER NOT NULL DEFAULT 1;
ALTER TABLE orders ADD COLUMN set_aside TEXT;
ALTER TABLE orders ADD COLUMN ended TEXT;
ALTER TABLE orders ADD COLUMN reviewed TEXT;

UPDATE orders SET reserves = 0 WHERE fulfilled_by_channel = 1;

UPDATE orders SET ended = json_object('who', 'the channel', 'why', '', 'at', updated_at)
  WHERE state = 'cancelled' AND fulfillment = 'cancelled';

-- A conflict was a sentence; now it has a code.
UPDATE orders SET conflict = json_object(
  'code', CASE
    WHEN conflict LIKE 'cancelled on%' THEN 'CANCELLED_AFTER_PROCESSING'
    WHEN conflict LIKE 'edited on%' THEN 'EDITED_AFTER_PROCESSING'
    ELSE 'SHIPPED_ELSEWHERE' END,
  'sentence', conflict, 'at', updated_at, 'lines', json('[]'))
  WHERE conflict IS NOT NULL;

-- When their orders are seen again, they are judged anew.
UPDATE decisions SET digest = x'' WHERE order_id IN (SELECT id FROM orders WHERE conflict IS NOT NULL);

CREATE INDEX orders_live ON orders (channel_id, reference) WHERE state IN ('new', 'open');

CREATE INDEX orders_deleted ON orders (channel_id, reference) WHERE state = 'deleted';

CREATE INDEX orders_in_conflict ON orders (channel_id, reference) WHERE conflict IS NOT NULL;

CREATE TABLE order_changes (
  order_id INTEGER NOT NULL REFERENCES orders,
  revision INTEGER NOT NULL,
  event TEXT NOT NULL,
  who TEXT NOT NULL,
  at INTEGER NOT NULL,
  why TEXT NOT NULL,
  details TEXT NOT NULL,
  PRIMARY KEY (order_id, revision)
) STRICT, WITHOUT ROWID;

-- Orders to be looked up on their channel, at growing intervals.
CREATE TABLE watches (
  order_id INTEGER PRIMARY KEY REFERENCES order_keys,
  channel_id INTEGER NOT NULL REFERENCES channels,
  since INTEGER NOT NULL,
  look_at INTEGER NOT NULL
) STRICT;

CREATE INDEX watches_due ON watches (channel_id, look_at);

-- What a note becomes once its goods have moved.
ALTER TABLE notes ADD COLUMN ready TEXT NOT NULL DEFAULT 'queued';

ALTER TABLE progress ADD COLUMN blind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE progress ADD COLUMN judged_at INTEGER;
ALTER TABLE progress ADD COLUMN trusted_at INTEGER;
