-- Begins a statement that ends with absent.
INSERT INTO {EFFECT} (prev_version, base_version, px1, py1, px2, py2, op, prev_op, fid)
