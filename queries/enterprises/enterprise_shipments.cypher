// name: enterprise_shipments
// purpose: The shipments of an enterprise, latest first, a page from a key onwards.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day of declaration that counts
// parameter: after_on text=9999-12-31 day of the last row of the page before, or a day after all
// parameter: after_id text= id of the last row of the page before, or empty
// parameter: bound integer=20000 most shipments that are read
// parameter: limit integer=100 rows in the page
// row: role text the role in the shipment
// row: shipment node the shipment
// row: link edge the edge to it
// row: sort_on text day of the row, for the next page
// row: sort_id text key of the row, for the next page
// row: degree integer number of edges there are, read or not
MATCH (e:Enterprise {id: $id})
WITH e, COUNT { (e)-[:IMPORTED|EXPORTED|DECLARED|CARRIED|FORWARDED|MANUFACTURED]->() } AS degree
MATCH (e)-[r:IMPORTED|EXPORTED|DECLARED|CARRIED|FORWARDED|MANUFACTURED]->(s:Shipment)
WHERE s.declared_at <= $until
WITH degree, s, r LIMIT $bound
WITH degree, s, r, s.declared_at AS sort_on, s.id + '|' + type(r) AS sort_id
WHERE sort_on < $after_on OR (sort_on = $after_on AND sort_id > $after_id)
RETURN type(r) AS role, s {.*, kind: 'Shipment'} AS shipment, properties(r) AS link,
       sort_on, sort_id, degree
ORDER BY sort_on DESC, sort_id
LIMIT $limit
