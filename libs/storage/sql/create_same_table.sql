-- Beside {STAGED} of a snapshot: changes with the content that was stored when they were staged.
CREATE UNLOGGED TABLE {STAGED}_same (
  seq bigint NOT NULL, fid text COLLATE "C" NOT NULL, change_hash bytea NOT NULL, content_hash bytea NOT NULL, source_hash bytea
) WITH (autovacuum_enabled = off)
