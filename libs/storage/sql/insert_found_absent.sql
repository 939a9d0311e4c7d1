-- Takes over what find_absent found.
INSERT INTO {EFFECT} (prev_version, base_version, px1, py1, px2, py2, op, prev_op, fid)
SELECT prev_version, base_version, px1, py1, px2, py2, op, prev_op, fid FROM lt_absent
