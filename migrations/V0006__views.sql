-- Views that readers asked for: what a cursor or a resume token refers to. Rows are added and never changed. Lock: none, the
-- table is new. Time: milliseconds.

-- revision: hash of what the view is. body: the view as canonical JSON (area and its version, or polygon as hexadecimal WKB
-- in the dataset's CRS, filter, columns by field number, CRS), with the schema revision whose names the filter uses.
CREATE TABLE lienthong.view_revision (
  revision text COLLATE "C" PRIMARY KEY,
  dataset_id int NOT NULL REFERENCES lienthong.dataset,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
