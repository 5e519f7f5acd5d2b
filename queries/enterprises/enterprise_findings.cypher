// name: enterprise_findings
// purpose: The inspection results against an enterprise, latest first, a page from a key onwards.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day that counts
// parameter: after_on text=9999-12-31 day of the last row of the page before, or a day after all
// parameter: after_id text= id of the last row of the page before, or empty
// parameter: bound integer=20000 most results that are read
// parameter: limit integer=100 rows in the page
// row: finding node the result
// row: link edge the edge to it
// row: sort_on text day of the row, for the next page
// row: sort_id text key of the row, for the next page
// row: degree integer number of edges there are, read or not
MATCH (e:Enterprise {id: $id})
WITH e, COUNT { (e)<-[:FOUND_AGAINST]-() } AS degree
MATCH (e)<-[r:FOUND_AGAINST]-(f:Finding)
WHERE f.inspected_on <= $until
WITH degree, f, r LIMIT $bound
WITH degree, f, r, f.inspected_on AS sort_on, f.id AS sort_id
WHERE sort_on < $after_on OR (sort_on = $after_on AND sort_id > $after_id)
RETURN f {.*, kind: 'Finding'} AS finding, properties(r) AS link, sort_on, sort_id, degree
ORDER BY sort_on DESC, sort_id
LIMIT $limit
