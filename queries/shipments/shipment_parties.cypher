// name: shipment_parties
// purpose: The enterprises with a role in a shipment.
// parameter: id text the shipment's id
// parameter: limit integer=100 most rows
// row: role text the role
// row: party node the enterprise
// row: link edge the edge from it
MATCH (s:Shipment {id: $id})<-[r:IMPORTED|EXPORTED|DECLARED|CARRIED|FORWARDED|MANUFACTURED]-(e:Enterprise)
WITH r, e LIMIT $limit
RETURN type(r) AS role, e {.*, kind: 'Enterprise'} AS party, properties(r) AS link
ORDER BY role, e.id
