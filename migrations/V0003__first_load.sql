-- The first version of a dataset is built beside its empty tables and then put in their place. Lock: none.

-- An empty table `load` with the columns and options of `model`, without its indexes and left alone by autovacuum.
CREATE FUNCTION lienthong.create_load_table(model regclass, load text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  options text := (SELECT array_to_string(reloptions || 'autovacuum_enabled=off'::text, ', ') FROM pg_class WHERE oid = model);
BEGIN
  EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE '
    'INCLUDING COMPRESSION INCLUDING GENERATED)', load, model);
  EXECUTE format('ALTER TABLE %s SET (%s)', load, options);
END $$;

-- What an index is, whatever its table and itself are called: "UNIQUE INDEX btree (fid)".
CREATE FUNCTION lienthong.index_shape(index regclass) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT regexp_replace(pg_get_indexdef(index), '^CREATE (.*INDEX) .* USING (.*)$', '\1 \2')
$$;

-- Gives `load` the indexes of `model`, and its primary key, unless it has them.
CREATE FUNCTION lienthong.index_load_table(model regclass, load text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  i record;
  name text;
BEGIN
  IF EXISTS (SELECT 1 FROM pg_index WHERE indrelid = load::regclass) THEN
    RETURN;
  END IF;
  FOR i IN SELECT indexrelid::regclass AS index, indisprimary, row_number() OVER (ORDER BY indexrelid) AS nr
           FROM pg_index WHERE indrelid = model ORDER BY indexrelid LOOP
    name := format('%s_%s', split_part(load, '.', 2), i.nr);
    EXECUTE regexp_replace(lienthong.index_shape(i.index), '^(.*INDEX) ',
      format('CREATE \1 %I ON %s USING ', name, load));
    IF i.indisprimary THEN
      EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY USING INDEX %I', load, name);
    END IF;
  END LOOP;
END $$;

-- Puts `load` in the place of `model`, which is dropped, under the names of `model` and its indexes.
CREATE FUNCTION lienthong.put_load_in_place(model regclass, load regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  i record;
  place record;
  names jsonb := (SELECT jsonb_object_agg(lienthong.index_shape(x.indexrelid), c.relname)
                  FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE x.indrelid = model);
BEGIN
  SELECT c.relname AS name, n.nspname AS schema INTO place
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = model;
  EXECUTE format('DROP TABLE %s', model);
  EXECUTE format('ALTER TABLE %s RESET (autovacuum_enabled)', load);
  EXECUTE format('ALTER TABLE %s SET SCHEMA %I', load, place.schema);
  EXECUTE format('ALTER TABLE %s RENAME TO %I', load, place.name);
  FOR i IN SELECT indexrelid::regclass AS index FROM pg_index WHERE indrelid = load LOOP
    EXECUTE format('ALTER INDEX %s RENAME TO %I', i.index, names->>lienthong.index_shape(i.index));
  END LOOP;
END $$;
