-- Times are whole microseconds since 1970 in UTC: exact, and compared as numbers in every database.
-- Money and other decimals are text. Lists and mappings that are only ever read whole are JSON.
-- Every row hangs on a small number that rises (channels.id, order_keys.id), so that inserts go to the right-hand
-- end of their B-trees; the only scattered ones are the unique key of order_keys and the names people search by.

CREATE TABLE channels (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  subsource TEXT NOT NULL,
  UNIQUE (source, subsource)
) STRICT;

-- The identity of every order that any port has heard of, stored or not.
CREATE TABLE order_keys (
  id INTEGER PRIMARY KEY,
  channel_id INTEGER NOT NULL REFERENCES channels,
  reference TEXT NOT NULL,
  UNIQUE (channel_id, reference)
) STRICT;

-- The highest lease token seen, for each port that compares it.
CREATE TABLE fences (
  port TEXT NOT NULL,
  channel_id INTEGER NOT NULL REFERENCES channels,
  token INTEGER NOT NULL,
  PRIMARY KEY (port, channel_id)
) STRICT, WITHOUT ROWID;

-- Orders

CREATE TABLE orders (
  id INTEGER PRIMARY KEY REFERENCES order_keys,
  channel_id INTEGER NOT NULL,
  reference TEXT NOT NULL,
  state TEXT NOT NULL,
  revision INTEGER NOT NULL,
  stock_revision INTEGER NOT NULL,
  reserved_revision INTEGER NOT NULL,
  channel_revision INTEGER NOT NULL,
  links_revision INTEGER NOT NULL,
  unlinked INTEGER NOT NULL,
  wanted TEXT NOT NULL,
  sold TEXT NOT NULL,
  taken_at INTEGER,
  placed_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  paid_at INTEGER,
  saved_at INTEGER,
  dispatch_by INTEGER,
  status TEXT NOT NULL,
  payment TEXT NOT NULL,
  fulfillment TEXT NOT NULL,
  fulfilled_by_channel INTEGER NOT NULL,
  location TEXT NOT NULL,
  channel_location TEXT,
  currency TEXT NOT NULL,
  total TEXT,
  channel_order_id TEXT,
  secondary_reference TEXT,
  shipping_service TEXT,
  parked TEXT,
  conflict TEXT,
  held TEXT
) STRICT;

CREATE INDEX orders_due ON orders (channel_id, reference) WHERE stock_revision <> reserved_revision;

CREATE INDEX orders_unlinked ON orders (channel_id, links_revision, reference)
  WHERE unlinked = 1 AND state IN ('new', 'open');

CREATE TABLE order_lines (
  order_id INTEGER NOT NULL REFERENCES orders,
  position INTEGER NOT NULL,
  line_id TEXT NOT NULL,
  channel_sku TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  shipped INTEGER NOT NULL,
  processed INTEGER NOT NULL,
  title TEXT NOT NULL,
  unit_price TEXT,
  components TEXT,
  PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

-- What an order is found by: its references without case, surrounding blanks and a leading #.
CREATE TABLE order_names (
  name TEXT NOT NULL,
  order_id INTEGER NOT NULL REFERENCES orders,
  PRIMARY KEY (name, order_id)
) STRICT, WITHOUT ROWID;

-- Personal data: these two tables and quarantine_payloads hold all of it, as bytes that may one day be encrypted.
CREATE TABLE order_people (
  order_id INTEGER PRIMARY KEY REFERENCES orders,
  buyer BLOB,
  shipping_address BLOB
) STRICT;

CREATE TABLE order_documents (
  order_id INTEGER PRIMARY KEY REFERENCES order_keys,
  document BLOB NOT NULL
) STRICT;

CREATE TABLE decisions (
  order_id INTEGER PRIMARY KEY REFERENCES order_keys,
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
  first_seen_at INTEGER NOT NULL
) STRICT;

-- Apart from the decisions, because every scan writes it for every order that it sees again.
CREATE TABLE last_seen (
  order_id INTEGER PRIMARY KEY REFERENCES decisions,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY,
  channel_id INTEGER NOT NULL REFERENCES channels,
  payload_hash TEXT NOT NULL,
  code TEXT NOT NULL,
  error TEXT NOT NULL,
  at INTEGER NOT NULL,
  reference TEXT,
  UNIQUE (channel_id, payload_hash)
) STRICT;

CREATE INDEX quarantine_by_reference ON quarantine (channel_id, reference);

CREATE TABLE quarantine_payloads (
  quarantine_id INTEGER PRIMARY KEY REFERENCES quarantine,
  payload BLOB NOT NULL
) STRICT;

-- Sales of orders that were never stored; told is the revision that the listing book is known to have.
CREATE TABLE doubts (
  order_id INTEGER PRIMARY KEY REFERENCES order_keys,
  channel_id INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  channel_revision INTEGER NOT NULL,
  taken_at INTEGER NOT NULL,
  sold TEXT NOT NULL,
  told INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX doubts_untold ON doubts (channel_id) WHERE told <> revision;

CREATE TABLE progress (
  channel_id INTEGER PRIMARY KEY REFERENCES channels,
  watermark INTEGER,
  swept_at INTEGER,
  sweep_began_at INTEGER,
  sweep_position INTEGER,
  interrupted INTEGER NOT NULL
) STRICT;

-- A parcel as it was recorded, never changed; its note beside it is.
CREATE TABLE parcels (
  id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES orders,
  parcel TEXT NOT NULL,
  asked TEXT NOT NULL,
  lines TEXT NOT NULL,
  deduction_id TEXT NOT NULL,
  taken TEXT NOT NULL,
  claim_revision INTEGER NOT NULL,
  claim_wanted TEXT NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (order_id, parcel)
) STRICT;

CREATE TABLE notes (
  id INTEGER PRIMARY KEY REFERENCES parcels,
  order_id INTEGER NOT NULL REFERENCES orders,
  channel_id INTEGER NOT NULL,
  note TEXT NOT NULL,
  status TEXT NOT NULL,
  tries INTEGER NOT NULL,
  claimed_at INTEGER,
  first_tried_at INTEGER,
  look_at INTEGER,
  channel_order_id TEXT,
  lines TEXT NOT NULL,
  carrier TEXT,
  service TEXT,
  tracking_number TEXT,
  tracking_url TEXT,
  dispatched_at INTEGER NOT NULL,
  message TEXT
) STRICT;

CREATE INDEX notes_waiting ON notes (order_id) WHERE status = 'waiting';

CREATE INDEX notes_open ON notes (channel_id, note) WHERE status IN ('queued', 'claimed', 'sent');

CREATE INDEX notes_by_status ON notes (channel_id, status);

-- Stock

-- What each order holds, under the highest revision it was ever given; it stays when nothing is wanted any more.
CREATE TABLE holds (
  order_id INTEGER PRIMARY KEY REFERENCES order_keys,
  revision INTEGER NOT NULL,
  wanted TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE movements (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  at INTEGER
) STRICT;

-- previous is the line before it of the same SKU and location: with levels.last a history that needs no index.
CREATE TABLE movement_lines (
  id INTEGER PRIMARY KEY,
  movement_id INTEGER NOT NULL REFERENCES movements,
  sku TEXT NOT NULL,
  location TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  on_hand_after INTEGER NOT NULL,
  previous INTEGER
) STRICT;

-- Derived in the transaction of every movement and hold, and never counted anew.
CREATE TABLE levels (
  sku TEXT NOT NULL,
  location TEXT NOT NULL,
  on_hand INTEGER NOT NULL DEFAULT 0,
  reserved INTEGER NOT NULL DEFAULT 0,
  last INTEGER,
  PRIMARY KEY (sku, location)
) STRICT, WITHOUT ROWID;

CREATE TABLE sku_versions (
  sku TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  acknowledged INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX sku_versions_changed ON sku_versions (sku) WHERE version > acknowledged;

-- Listings

CREATE TABLE channel_links (
  channel_id INTEGER PRIMARY KEY REFERENCES channels,
  revision INTEGER NOT NULL
) STRICT;

CREATE TABLE channel_rules (
  channel_id INTEGER PRIMARY KEY REFERENCES channels,
  present TEXT NOT NULL,
  former TEXT,
  since INTEGER NOT NULL
) STRICT;

-- place is '' for a listing at none of the channel's locations, else '@' and the location.
-- components is '{}' for a listing that was unlinked: what is known of its pushes stays.
CREATE TABLE listings (
  id INTEGER PRIMARY KEY,
  channel_id INTEGER NOT NULL REFERENCES channels,
  channel_sku TEXT NOT NULL,
  place TEXT NOT NULL,
  components TEXT NOT NULL,
  rule TEXT,
  state TEXT NOT NULL,
  wanted INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  believed INTEGER,
  doubts INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  attempt_began INTEGER,
  attempt_doubts INTEGER NOT NULL,
  unresolved_until INTEGER,
  accepted_at INTEGER,
  failures INTEGER NOT NULL,
  failure TEXT,
  next_attempt_at INTEGER,
  UNIQUE (channel_id, channel_sku, place)
) STRICT;

-- All that can be due; whether it is by now is decided in one place, for every storage.
CREATE INDEX listings_due ON listings (channel_id, channel_sku, place) WHERE components <> '{}' AND (
  wanted > settled OR believed IS NULL OR attempt_began IS NOT NULL OR unresolved_until IS NOT NULL);

CREATE TABLE listing_components (
  sku TEXT NOT NULL,
  listing_id INTEGER NOT NULL REFERENCES listings,
  PRIMARY KEY (sku, listing_id)
) STRICT, WITHOUT ROWID;

-- Up to which revision each order's sale is accounted for.
CREATE TABLE sales (
  order_id INTEGER PRIMARY KEY REFERENCES order_keys,
  revision INTEGER NOT NULL
) STRICT;

-- Journal

CREATE TABLE leases (
  channel_id INTEGER PRIMARY KEY REFERENCES channels,
  token INTEGER NOT NULL,
  holder TEXT,
  expires_at INTEGER
) STRICT;

CREATE TABLE channel_life (
  channel_id INTEGER PRIMARY KEY REFERENCES channels,
  state TEXT NOT NULL,
  cause TEXT NOT NULL,
  by_whom TEXT NOT NULL,
  since INTEGER,
  failures INTEGER NOT NULL,
  paused_until INTEGER
) STRICT;

CREATE TABLE journal (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  run_id TEXT NOT NULL,
  channel_id INTEGER REFERENCES channels,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  facts TEXT NOT NULL
) STRICT;

CREATE INDEX journal_by_channel ON journal (channel_id);

CREATE INDEX journal_by_run ON journal (run_id);
