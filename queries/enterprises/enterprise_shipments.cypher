// name: enterprise_shipments
// purpose: The shipments of an enterprise, latest first, a page from a key onwards.
// parameter: id text the enterprise's id
// parameter: until text last day of declaration that counts
// parameter: after_on text day of the last row of the page before, or a day after all
// parameter: after_id text id of the last row of the page before, or empty
// parameter: bound integer most shipments that are read
// parameter: limit integer rows in the page
// row: role text the role in the shipment
// row: shipment node the shipment
// row: link edge the edge to it
MATCH (e:Enterprise {id: $id})-[r:IMPORTED|EXPORTED|DECLARED|CARRIED|FORWARDED|MANUFACTURED]->(s:Shipment)
WHERE s.declared_at <= $until
WITH s, r LIMIT $bound
WITH s, r
WHERE s.declared_at < $after_on OR (s.declared_at = $after_on AND s.id + type(r) > $after_id)
RETURN type(r) AS role, s {.*, kind: 'Shipment'} AS shipment, properties(r) AS link
ORDER BY s.declared_at DESC, s.id + type(r)
LIMIT $limit
