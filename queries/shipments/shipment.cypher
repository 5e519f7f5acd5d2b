// name: shipment
// purpose: One shipment by its id.
// parameter: id text the shipment's id
// row: shipment node the shipment
MATCH (s:Shipment {id: $id})
RETURN s {.*, kind: 'Shipment'} AS shipment
