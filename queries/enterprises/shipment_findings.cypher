// name: shipment_findings
// purpose: The inspection results in all shipments of an enterprise, latest first; those whose day is hidden come last.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day that counts; rows whose day is hidden stay
// parameter: offset integer=0 rows to leave out
// parameter: limit integer=100 rows in the page
// row: role text the enterprise's role in the shipment
// row: shipment node the shipment
// row: finding node the result
// row: link edge the edge from the result to the shipment
// row: party edge the edge from the enterprise to the shipment
// row: against text id of the enterprise that the result is against; null if it names none, or one the reader may not see
// row: hidden hidden rows the reader may not see, of all pages: told as nodes left out, not in the rows
MATCH (e:Enterprise {id: $id})-[p:IMPORTED|EXPORTED|DECLARED]->(s:Shipment)<-[r:FOUND_IN]-(f:Finding)
WITH e, sum(CASE WHEN any(m IN p.markings WHERE m IN $visible) AND any(m IN s.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible) AND any(m IN f.markings WHERE m IN $visible) THEN 0 ELSE 1 END) AS hidden
OPTIONAL MATCH (e)-[p:IMPORTED|EXPORTED|DECLARED]->(s:Shipment)<-[r:FOUND_IN]-(f:Finding)
WHERE any(m IN p.markings WHERE m IN $visible) AND any(m IN s.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible) AND any(m IN f.markings WHERE m IN $visible)
  AND (NOT f.marking IN $visible OR f.inspected_on <= $until)
WITH hidden, p, s, r, f, CASE WHEN f.marking IN $visible THEN f.inspected_on ELSE '' END AS day
ORDER BY day DESC, f.id, type(p), p.record
SKIP $offset LIMIT $limit
OPTIONAL MATCH (f)-[a:FOUND_AGAINST]->(o:Enterprise)
WHERE any(m IN a.markings WHERE m IN $visible) AND any(m IN o.markings WHERE m IN $visible)
WITH hidden, p, s, r, f, day, min(o.id) AS against
RETURN type(p) AS role, s {.*, kind: 'Shipment'} AS shipment, f {.*, kind: 'Finding'} AS finding,
       properties(r) AS link, properties(p) AS party, against, hidden
ORDER BY day DESC, f.id, type(p), p.record
