-- Staging of one dataset of a large changeset; {STAGED} is the unlogged table. Rows over 2 KB stay in line: they are read
-- once. kind: as StagedKind; mask and partial: field numbers and record of a partial UPDATE, whose whole state is filled
-- in by the publish transaction; findings: JSON list.
CREATE UNLOGGED TABLE {STAGED} (
  seq bigint NOT NULL, base_version bigint, x1 float4, y1 float4, x2 float4, y2 float4, op "char" NOT NULL,
  kind "char" NOT NULL, fid text COLLATE "C" NOT NULL, change_hash bytea NOT NULL, content_hash bytea, source_hash bytea,
  geom geometry COMPRESSION lz4, props jsonb COMPRESSION lz4, payload bytea COMPRESSION lz4,
  mask text, partial bytea COMPRESSION lz4, findings jsonb
) WITH (toast_tuple_target = 8160, autovacuum_enabled = off);
ALTER TABLE {STAGED} ALTER geom SET STORAGE main, ALTER props SET STORAGE main, ALTER payload SET STORAGE main;
