-- Adds relations that are not there yet. Arrays of text: $1 unit_id of the predecessor, $2 of the successor.
INSERT INTO lienthong.area_relation (predecessor_id, successor_id)
SELECT p.id, s.id FROM unnest($1, $2) AS x (predecessor, successor)
JOIN lienthong.area p ON p.unit_id = x.predecessor JOIN lienthong.area s ON s.unit_id = x.successor
ON CONFLICT DO NOTHING
