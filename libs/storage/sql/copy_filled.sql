-- In the order of PublishTransaction::fill_page() (publish.cpp).
COPY lt_filled (x1, y1, x2, y2, content_hash, geom, props, payload, fid) FROM STDIN (FORMAT binary)
