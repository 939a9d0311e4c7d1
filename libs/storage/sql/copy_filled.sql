-- In the order of DatasetPublish::add_filled() (dataset_publish.cpp).
COPY lt_filled (x1, y1, x2, y2, source_hash, content_hash, geom, props, payload, fid) FROM STDIN (FORMAT binary)
