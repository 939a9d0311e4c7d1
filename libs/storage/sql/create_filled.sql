-- Whole states of staged changes that are completed by what is stored, a page at a time.
CREATE TEMPORARY TABLE IF NOT EXISTS lt_filled (
  x1 float4, y1 float4, x2 float4, y2 float4, fid text COLLATE "C" NOT NULL, content_hash bytea NOT NULL, source_hash bytea,
  geom geometry COMPRESSION lz4, props jsonb COMPRESSION lz4, payload bytea COMPRESSION lz4
);
DO $$
BEGIN
  IF pg_relation_size('lt_filled') > 8 << 20 THEN
    TRUNCATE lt_filled;
  END IF;
END $$;
