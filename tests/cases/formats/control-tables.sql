CREATE TABLE bron_receipt (
  load_run_id TEXT NOT NULL,
  entity TEXT NOT NULL,
  part TEXT NOT NULL,
  content TEXT NOT NULL,
  extract_run_id TEXT NOT NULL,
  row_count INTEGER NOT NULL,
  inserted INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  superseded INTEGER NOT NULL,
  PRIMARY KEY (load_run_id, entity, part)
) WITHOUT ROWID;
CREATE TABLE bron_schema (
  entity TEXT NOT NULL PRIMARY KEY,
  layout TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO bron_schema VALUES ('@installation', 'den här stadens');
INSERT INTO bron_receipt VALUES
  ('0123456789ab', 'person', 'paraply/GAMMAL/part-00000',
   '7777777777777777777777777777777777777777777777777777777777777777', '0123456789ab', 3, 2, 0, 1, 0);
