// name: enterprise_findings
// purpose: The inspection results against an enterprise, latest first, a page from a key onwards.
// parameter: id text the enterprise's id
// parameter: until text last day that counts
// parameter: after_on text day of the last row of the page before, or a day after all
// parameter: after_id text id of the last row of the page before, or empty
// parameter: bound integer most results that are read
// parameter: limit integer rows in the page
// row: finding node the result
// row: link edge the edge to it
MATCH (e:Enterprise {id: $id})<-[r:FOUND_AGAINST]-(f:Finding)
WHERE f.inspected_on <= $until
WITH f, r LIMIT $bound
WITH f, r
WHERE f.inspected_on < $after_on OR (f.inspected_on = $after_on AND f.id > $after_id)
RETURN f {.*, kind: 'Finding'} AS finding, properties(r) AS link
ORDER BY f.inspected_on DESC, f.id
LIMIT $limit
