-- Registers an organisation. $1 name, $2 title. Columns as find_organisation; no row when the name is taken.
INSERT INTO lienthong.organisation (name, title) VALUES ($1, $2)
ON CONFLICT (name) DO NOTHING RETURNING id, name, title, created_at
