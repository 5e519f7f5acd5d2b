// name: enterprise_findings
// purpose: The inspection results against an enterprise, latest first; those whose day is hidden come last.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day that counts; rows whose day is hidden stay
// parameter: offset integer=0 rows to leave out
// parameter: limit integer=100 rows in the page
// row: finding node the result
// row: link edge the edge to it
// row: hidden hidden rows the reader may not see, of all pages: told as nodes left out, not in the rows
MATCH (e:Enterprise {id: $id})<-[r:FOUND_AGAINST]-(f:Finding)
WITH e, sum(CASE WHEN any(m IN f.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible) THEN 0 ELSE 1 END) AS hidden
OPTIONAL MATCH (e)<-[r:FOUND_AGAINST]-(f:Finding)
WHERE any(m IN f.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible)
  AND (NOT f.marking IN $visible OR f.inspected_on <= $until)
WITH hidden, f, r, CASE WHEN f.marking IN $visible THEN f.inspected_on ELSE '' END AS day
ORDER BY day DESC, f.id, r.record
SKIP $offset LIMIT $limit
RETURN f {.*, kind: 'Finding'} AS finding, properties(r) AS link, hidden
ORDER BY day DESC, f.id, r.record
