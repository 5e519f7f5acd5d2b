// name: shipment_findings
// purpose: The inspection results in the shipments of an enterprise, latest first, a page from a key onwards.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day that counts
// parameter: after_on text=9999-12-31 day of the last row of the page before, or a day after all
// parameter: after_id text= id of the last row of the page before, or empty
// parameter: bound integer=20000 most shipments that are read
// parameter: limit integer=100 rows in the page
// row: role text the enterprise's role in the shipment
// row: shipment node the shipment
// row: finding node the result
// row: link edge the edge from the result to the shipment
// row: party edge the edge from the enterprise to the shipment
// row: sort_on text day of the row, for the next page
// row: sort_id text key of the row, for the next page
// row: degree integer number of shipments there are, read or not
MATCH (e:Enterprise {id: $id})
WITH e, COUNT { (e)-[:IMPORTED|EXPORTED|DECLARED]->() } AS degree
MATCH (e)-[p:IMPORTED|EXPORTED|DECLARED]->(s:Shipment)
WITH degree, p, s LIMIT $bound
MATCH (s)<-[r:FOUND_IN]-(f:Finding)
WHERE f.inspected_on <= $until
WITH degree, p, s, r, f, f.inspected_on AS sort_on, f.id + '|' + type(p) AS sort_id
WHERE sort_on < $after_on OR (sort_on = $after_on AND sort_id > $after_id)
RETURN type(p) AS role, s {.*, kind: 'Shipment'} AS shipment, f {.*, kind: 'Finding'} AS finding,
       properties(r) AS link, properties(p) AS party,
       sort_on, sort_id, degree
ORDER BY sort_on DESC, sort_id
LIMIT $limit
