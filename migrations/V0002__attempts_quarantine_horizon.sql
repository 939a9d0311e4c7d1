-- Attempts with their findings and conflicts, quarantine, the horizon of compacted history, and staging that a broken
-- upload can go on with. Lock: ACCESS EXCLUSIVE on dataset_head and the staging table, for milliseconds; the first
-- rewrites nothing (a constant default), the second is emptied.

-- Versions below it can no longer be read (0: all can). It only grows.
ALTER TABLE lienthong.dataset_head ADD horizon bigint NOT NULL DEFAULT 0;

-- Versions by time, for as_of_time.
CREATE INDEX ON lienthong.dataset_version (dataset_id, committed_at);

-- Every submission that got as far as a header, for a configured time. outcome: A accepted, R refused, D dry run,
-- B broken off.
CREATE TABLE lienthong.attempt (
  attempt_id text COLLATE "C" PRIMARY KEY,
  organisation_id int NOT NULL REFERENCES lienthong.organisation,
  changeset_id text COLLATE "C" NOT NULL,
  dataset text COLLATE "C" NOT NULL,
  outcome "char" NOT NULL,
  commit_id text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  error_message text NOT NULL DEFAULT '',
  started_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  received bigint NOT NULL DEFAULT 0,
  counts jsonb NOT NULL DEFAULT '{}',
  findings bigint NOT NULL DEFAULT 0,
  conflicts bigint NOT NULL DEFAULT 0
);
CREATE INDEX ON lienthong.attempt (organisation_id, attempt_id DESC);
CREATE INDEX ON lienthong.attempt (ended_at);

-- severity: E error, W warning, I info. ordinal: from 1, in the order of the changeset.
CREATE TABLE lienthong.finding (
  attempt_id text COLLATE "C" NOT NULL REFERENCES lienthong.attempt ON DELETE CASCADE,
  ordinal bigint NOT NULL,
  dataset text COLLATE "C" NOT NULL,
  feature_id text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  rule text NOT NULL,
  severity "char" NOT NULL,
  reason text NOT NULL,
  field text NOT NULL,
  place text NOT NULL,
  message_vi text NOT NULL,
  message_en text NOT NULL,
  PRIMARY KEY (attempt_id, ordinal)
);

-- kind: E exists, M missing, V changed after base_version, O out of scope.
CREATE TABLE lienthong.conflict (
  attempt_id text COLLATE "C" NOT NULL REFERENCES lienthong.attempt ON DELETE CASCADE,
  ordinal bigint NOT NULL,
  dataset text COLLATE "C" NOT NULL,
  feature_id text COLLATE "C" NOT NULL,
  kind "char" NOT NULL,
  expected_version bigint,
  found_version bigint NOT NULL,
  found_organisation text NOT NULL DEFAULT '',
  found_at timestamptz,
  PRIMARY KEY (attempt_id, ordinal)
);

-- Changes set aside as invalid. form: C payload is a serialized lienthong.v1.Change, R a canonical record
-- (empty for a delete), of which mask, if any, names the field numbers that change ("0,3": 0 is the geometry). found_version:
-- the feature's last change at that time (0: none). state: H held, R released, D discarded, S superseded. findings: JSON
-- list with the names of lienthong.v1.Finding.
CREATE TABLE lienthong.quarantine (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  dataset_id int NOT NULL REFERENCES lienthong.dataset,
  fid text COLLATE "C" NOT NULL,
  attempt_id text COLLATE "C" NOT NULL,
  organisation_id int NOT NULL REFERENCES lienthong.organisation,
  sequence bigint NOT NULL,
  op "char" NOT NULL,
  base_version bigint,
  form "char" NOT NULL,
  mask text,
  payload bytea COMPRESSION lz4 NOT NULL,
  found_version bigint NOT NULL,
  findings jsonb NOT NULL,
  state "char" NOT NULL DEFAULT 'H',
  quarantined_at timestamptz NOT NULL,
  decided_at timestamptz,
  decided_by text NOT NULL DEFAULT '',
  note text NOT NULL DEFAULT ''
);
CREATE INDEX ON lienthong.quarantine (dataset_id, id);
CREATE INDEX ON lienthong.quarantine (dataset_id, fid) WHERE state = 'H';

-- Staging of one attempt: one table for each dataset, named PREFIX_<dataset id>. `epoch` counts resumptions, so that an
-- older stream cannot add a piece; `sequence` is the last batch that is staged whole; `state` what else a resumed upload
-- needs, as JSON.
DROP TABLE lienthong_staging.attempt;
CREATE UNLOGGED TABLE lienthong_staging.attempt (
  attempt_id text COLLATE "C" PRIMARY KEY,
  organisation text COLLATE "C" NOT NULL,
  header_sha256 bytea NOT NULL,
  owner bigint NOT NULL,
  epoch bigint NOT NULL DEFAULT 1,
  prefix text NOT NULL,
  piece bigint NOT NULL DEFAULT 0,
  sequence bigint NOT NULL DEFAULT 0,
  changes bigint NOT NULL DEFAULT 0,
  running_hash bytea NOT NULL DEFAULT '',
  state jsonb NOT NULL DEFAULT '{}',
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Up to which version the log has been rid of superseded states. It follows the horizon, which moves first.
CREATE TABLE lienthong.compaction (
  dataset_id int PRIMARY KEY REFERENCES lienthong.dataset,
  compacted bigint NOT NULL
);
