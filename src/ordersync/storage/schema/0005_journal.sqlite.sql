-- The code of the error that a channel's last runs ended with, and since when such errors go on.
ALTER TABLE channel_life ADD COLUMN trouble TEXT NOT NULL DEFAULT '';
ALTER TABLE channel_life ADD COLUMN trouble_since INTEGER;

ALTER TABLE journal ADD COLUMN order_id INTEGER REFERENCES order_keys;

DROP INDEX journal_by_channel;

CREATE INDEX journal_by_channel ON journal (channel_id, at);

CREATE INDEX journal_by_kind ON journal (channel_id, kind, at);

CREATE INDEX journal_by_order ON journal (order_id, at) WHERE order_id IS NOT NULL;

CREATE INDEX journal_by_time ON journal (at);
