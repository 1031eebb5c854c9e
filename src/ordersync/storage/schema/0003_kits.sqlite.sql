-- A SKU of ours that is not stocked itself, and what one piece of it is made of.
CREATE TABLE kits (
  sku TEXT PRIMARY KEY,
  components TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What a listing was linked to, kits among it not taken apart; nothing where that is what components holds.
ALTER TABLE listings ADD COLUMN linked_to TEXT;

-- The kits that a listing is linked to itself; all else that it is linked to are its components.
CREATE TABLE listing_kits (
  sku TEXT NOT NULL,
  listing_id INTEGER NOT NULL REFERENCES listings,
  PRIMARY KEY (sku, listing_id)
) STRICT, WITHOUT ROWID;
