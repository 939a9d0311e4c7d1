-- What a publish transaction works with, for each dataset: staged rows of a small changeset, and the effect found for each
-- feature. {EFFECT}.op: I, U, D; '=' without effect; E exists, M missing, V changed after base_version, O out of scope
-- (conflicts); d, u: a D or U that depends on where the stored state is, still to be decided.
-- The session's last publish left its rows. ON COMMIT DELETE ROWS would cut the files off at every commit, which takes several
-- times as long as a small publish: rows are deleted here, and files cut off only once they have grown.
CREATE TEMPORARY TABLE IF NOT EXISTS {STAGED} (
  seq bigint NOT NULL, base_version bigint, x1 float4, y1 float4, x2 float4, y2 float4, op "char" NOT NULL,
  kind "char" NOT NULL, fid text COLLATE "C" NOT NULL, change_hash bytea NOT NULL, content_hash bytea, source_hash bytea,
  geom geometry COMPRESSION lz4, props jsonb COMPRESSION lz4, payload bytea COMPRESSION lz4,
  mask text, partial bytea COMPRESSION lz4, findings jsonb
);
CREATE TEMPORARY TABLE IF NOT EXISTS {EFFECT} (
  prev_version bigint NOT NULL, base_version bigint, px1 float4, py1 float4, px2 float4, py2 float4,
  op "char" NOT NULL, prev_op "char", fid text COLLATE "C" NOT NULL
);
DO $$
BEGIN
  IF pg_relation_size('{STAGED}') + pg_relation_size('{EFFECT}') > 8 << 20 THEN
    TRUNCATE {STAGED}, {EFFECT};
  ELSE
    DELETE FROM {STAGED};
    DELETE FROM {EFFECT};
  END IF;
END $$;
