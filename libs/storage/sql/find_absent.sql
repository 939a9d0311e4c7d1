-- Begins a statement that goes on with absent and ends with absent_same. Unlike an INSERT it may run in parallel.
CREATE TEMPORARY TABLE lt_absent (prev_version, base_version, px1, py1, px2, py2, op, prev_op, fid) ON COMMIT DROP AS
