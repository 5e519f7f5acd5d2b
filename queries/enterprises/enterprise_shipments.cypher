// name: enterprise_shipments
// purpose: The shipments of an enterprise, latest first; those whose day is hidden come last.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day that counts; rows whose day is hidden stay
// parameter: offset integer=0 rows to leave out
// parameter: limit integer=100 rows in the page
// row: role text the role in the shipment
// row: shipment node the shipment
// row: link edge the edge to it
// row: hidden hidden rows the reader may not see, of all pages: told as nodes left out, not in the rows
MATCH (e:Enterprise {id: $id})-[r:IMPORTED|EXPORTED|DECLARED|CARRIED|FORWARDED|MANUFACTURED]->(s:Shipment)
WITH e, sum(CASE WHEN any(m IN s.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible) THEN 0 ELSE 1 END) AS hidden
OPTIONAL MATCH (e)-[r:IMPORTED|EXPORTED|DECLARED|CARRIED|FORWARDED|MANUFACTURED]->(s:Shipment)
WHERE any(m IN s.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible)
  AND (NOT s.marking IN $visible OR s.declared_at <= $until)
WITH hidden, s, r, CASE WHEN s.marking IN $visible THEN s.declared_at ELSE '' END AS day
ORDER BY day DESC, s.id, type(r), r.record
SKIP $offset LIMIT $limit
RETURN type(r) AS role, s {.*, kind: 'Shipment'} AS shipment, properties(r) AS link, hidden
ORDER BY day DESC, s.id, type(r), r.record
