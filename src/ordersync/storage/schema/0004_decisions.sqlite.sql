-- What was judged and when, what was decided before, and who is not to be remembered.

-- seen comes last: it is long, and what is before it is read far more often.
ALTER TABLE decisions ADD COLUMN channel_id INTEGER REFERENCES channels;
ALTER TABLE decisions ADD COLUMN decided_at INTEGER;
ALTER TABLE decisions ADD COLUMN seen TEXT;

UPDATE decisions SET decided_at = first_seen_at,
  channel_id = (SELECT channel_id FROM order_keys WHERE id = order_id);

CREATE INDEX decisions_refused ON decisions (channel_id, final, decided_at) WHERE admitted = 0;

-- A decision moves here when another takes its place.
CREATE TABLE decision_history (
  id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES order_keys,
  channel_id INTEGER NOT NULL REFERENCES channels,
  decided_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  admitted INTEGER NOT NULL,
  code TEXT NOT NULL,
  sentence TEXT NOT NULL,
  outcome TEXT NOT NULL,
  digest BLOB NOT NULL,
  status TEXT NOT NULL,
  mapping_version TEXT NOT NULL,
  run_id TEXT NOT NULL,
  page INTEGER NOT NULL,
  final INTEGER NOT NULL,
  placed_at INTEGER,
  seen TEXT
) STRICT;

CREATE INDEX decision_history_of_order ON decision_history (order_id);

CREATE INDEX decision_history_by_age ON decision_history (channel_id, last_seen_at);

-- What refused orders are found by, like order_names; a name may be one that the order no longer has.
CREATE TABLE sighted_names (
  name TEXT NOT NULL,
  order_id INTEGER NOT NULL REFERENCES order_keys,
  PRIMARY KEY (name, order_id)
) STRICT, WITHOUT ROWID;

INSERT INTO sighted_names (name, order_id)
  SELECT search_name(reference), order_id FROM decisions JOIN order_keys ON order_keys.id = order_id WHERE admitted = 0;

-- Orders of which nothing personal is written any more, stored or not.
CREATE TABLE erased (
  order_id INTEGER PRIMARY KEY REFERENCES order_keys,
  at INTEGER NOT NULL
) STRICT;

ALTER TABLE orders ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;

CREATE INDEX orders_to_erase ON orders (channel_id, reference)
  WHERE erased = 0 AND state IN ('processed', 'cancelled', 'deleted');

CREATE INDEX quarantine_by_age ON quarantine (at);

ALTER TABLE progress ADD COLUMN admission TEXT NOT NULL DEFAULT '';
