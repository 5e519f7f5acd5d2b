// name: shipment_items
// purpose: The goods items of a shipment.
// parameter: id text the shipment's id
// parameter: limit integer=100 most rows
// row: commodity node the commodity of the item
// row: item edge the item
MATCH (s:Shipment {id: $id})-[c:CONTAINS]->(k:Commodity)
WITH c, k LIMIT $limit
RETURN k {.*, kind: 'Commodity'} AS commodity, properties(c) AS item
ORDER BY c.item_no, k.id
