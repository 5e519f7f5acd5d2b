// name: shipment_findings
// purpose: The inspection results in the shipments of an enterprise, latest first, a page from a key onwards.
// parameter: id text the enterprise's id
// parameter: until text last day that counts
// parameter: after_on text day of the last row of the page before, or a day after all
// parameter: after_id text id of the last row of the page before, or empty
// parameter: bound integer most shipments that are read
// parameter: limit integer rows in the page
// row: role text the enterprise's role in the shipment
// row: shipment text the shipment's id
// row: finding node the result
// row: link edge the edge from the result to the shipment
// row: party edge the edge from the enterprise to the shipment
MATCH (e:Enterprise {id: $id})-[p:IMPORTED|EXPORTED|DECLARED]->(s:Shipment)
WITH p, s LIMIT $bound
MATCH (s)<-[r:FOUND_IN]-(f:Finding)
WHERE f.inspected_on <= $until AND (f.inspected_on < $after_on
  OR (f.inspected_on = $after_on AND f.id + type(p) > $after_id))
RETURN type(p) AS role, s.id AS shipment, f {.*, kind: 'Finding'} AS finding,
       properties(r) AS link, properties(p) AS party
ORDER BY f.inspected_on DESC, f.id + type(p)
LIMIT $limit
