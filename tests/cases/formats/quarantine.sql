CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE item (
    id TEXT PRIMARY KEY, record TEXT NOT NULL, src_system TEXT NOT NULL, src_table TEXT NOT NULL,
    src_key TEXT NOT NULL, stage TEXT NOT NULL, reason TEXT NOT NULL, field TEXT NOT NULL, entity TEXT NOT NULL,
    constraint_name TEXT NOT NULL, sqlstate TEXT NOT NULL, rule TEXT NOT NULL, owner TEXT NOT NULL,
    area TEXT NOT NULL, namnd TEXT NOT NULL, year TEXT NOT NULL, protected INTEGER NOT NULL,
    first_run TEXT NOT NULL, last_run TEXT NOT NULL, row_count INTEGER NOT NULL, state TEXT NOT NULL,
    decision TEXT NOT NULL, decided_in TEXT NOT NULL, maps_to TEXT NOT NULL, code TEXT NOT NULL,
    decided_code TEXT NOT NULL, version INTEGER NOT NULL, mask TEXT NOT NULL, content TEXT NOT NULL
) STRICT;
CREATE INDEX item_of_table ON item (src_system, src_table);
CREATE INDEX item_of_record ON item (record);
CREATE TABLE sealed (
    item TEXT NOT NULL REFERENCES item (id), number INTEGER NOT NULL, payload BLOB NOT NULL,
    PRIMARY KEY (item, number)
) STRICT;
CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL REFERENCES item (id), at TEXT NOT NULL,
    kind TEXT NOT NULL, run TEXT NOT NULL, decision TEXT NOT NULL, maps_to TEXT NOT NULL, code TEXT NOT NULL,
    person TEXT NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE INDEX event_of_item ON event (item);
CREATE TRIGGER event_is_not_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_is_not_replaced BEFORE INSERT ON event
    WHEN EXISTS (SELECT 1 FROM event WHERE number = NEW.number)
    BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER event_is_not_removed BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
INSERT INTO meta VALUES ('format', '1');
INSERT INTO meta VALUES ('installation', 'den här stadens');
INSERT INTO item VALUES
  ('11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222', 'paraply', 'GAMMAL', '4711',
   'mapping', 'D13', 'BELOPP', '', '', '', 'paraply/GAMMAL@1', 'SDF', '', '714', '2014', 0,
   '0123456789ab', '0123456789ab', 1, 'wait', 'wait', '0123456789ab', '', '', '', 1, '', '');
INSERT INTO event (item, at, kind, run, decision, maps_to, code, person, role, text) VALUES
  ('11111111-1111-1111-1111-111111111111', '2024-01-02T03:04:05Z', 'seen', '0123456789ab', '', '', '', '', '', '');
