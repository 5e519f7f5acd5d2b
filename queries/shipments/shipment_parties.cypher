// name: shipment_parties
// purpose: The enterprises with a role in a shipment.
// parameter: id text the shipment's id
// parameter: limit integer=100 most rows
// row: role text the role
// row: party node the enterprise
// row: link edge the edge from it
// row: degree integer number of rows there are for the reader, shown or not
// row: hidden hidden rows the reader may not see, of all pages: told as nodes left out, not in the rows
MATCH (s:Shipment {id: $id})<-[r:IMPORTED|EXPORTED|DECLARED|CARRIED|FORWARDED|MANUFACTURED]-(e:Enterprise)
WITH s, sum(CASE WHEN any(m IN r.markings WHERE m IN $visible) AND any(m IN e.markings WHERE m IN $visible) THEN 1 ELSE 0 END) AS degree,
     sum(CASE WHEN any(m IN r.markings WHERE m IN $visible) AND any(m IN e.markings WHERE m IN $visible) THEN 0 ELSE 1 END) AS hidden
OPTIONAL MATCH (s)<-[r:IMPORTED|EXPORTED|DECLARED|CARRIED|FORWARDED|MANUFACTURED]-(e:Enterprise)
WHERE any(m IN r.markings WHERE m IN $visible) AND any(m IN e.markings WHERE m IN $visible)
WITH r, e, degree, hidden
ORDER BY type(r), e.id, r.record LIMIT $limit
RETURN type(r) AS role, e {.*, kind: 'Enterprise'} AS party, properties(r) AS link, degree, hidden
ORDER BY type(r), e.id, r.record
