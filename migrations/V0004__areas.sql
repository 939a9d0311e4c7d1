-- Areas: code lists, their units, what became of them, and their polygons by version. Lock: none, all tables are new.
-- Time: milliseconds. The units that are shipped are added when the exchange starts, not here.

-- A list of codes, such as ADM-2025. current: receipts name the areas of this list that a changeset touches.
CREATE TABLE lienthong.area_list (
  list text COLLATE "C" PRIMARY KEY,
  title text NOT NULL DEFAULT '',
  valid_from date,
  valid_to date,
  current boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- A unit of a list. unit_id never changes and is the same in every exchange. search_name: the name in lower case without
-- diacritics. valid_to: the last day. version: of its newest polygon, 0 when it has none.
CREATE TABLE lienthong.area (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  unit_id text COLLATE "C" NOT NULL UNIQUE,
  list text COLLATE "C" NOT NULL REFERENCES lienthong.area_list,
  code text COLLATE "C" NOT NULL,
  name text NOT NULL,
  search_name text COLLATE "C" NOT NULL,
  kind text NOT NULL DEFAULT '',
  level text NOT NULL,
  valid_from date,
  valid_to date,
  version bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (list, code)
);
CREATE INDEX ON lienthong.area (code);
CREATE INDEX ON lienthong.area (search_name);

-- Which units became which: m to n, also between lists.
CREATE TABLE lienthong.area_relation (
  predecessor_id int NOT NULL REFERENCES lienthong.area,
  successor_id int NOT NULL REFERENCES lienthong.area,
  PRIMARY KEY (predecessor_id, successor_id),
  CHECK (predecessor_id <> successor_id)
);
CREATE INDEX ON lienthong.area_relation (successor_id);

-- Polygons, 1, 2, 3, ... of each unit. Rows are added and never changed. wkb: canonical, in the CRS `epsg`.
CREATE TABLE lienthong.area_polygon (
  area_id int NOT NULL REFERENCES lienthong.area,
  version bigint NOT NULL,
  epsg int NOT NULL,
  sha256 bytea NOT NULL,
  wkb bytea NOT NULL,
  organisation_id int NOT NULL REFERENCES lienthong.organisation,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (area_id, version)
);
ALTER TABLE lienthong.area_polygon ALTER wkb SET COMPRESSION lz4;
