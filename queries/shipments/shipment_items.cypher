// name: shipment_items
// purpose: The goods items of a shipment, by their number; those whose number is hidden come last.
// parameter: id text the shipment's id
// parameter: limit integer=100 most rows
// row: commodity node the commodity of the item
// row: item edge the item
// row: degree integer number of rows there are for the reader, shown or not
// row: hidden hidden rows the reader may not see, of all pages: told as nodes left out, not in the rows
MATCH (s:Shipment {id: $id})-[c:CONTAINS]->(k:Commodity)
WITH s, sum(CASE WHEN any(m IN c.markings WHERE m IN $visible) AND any(m IN k.markings WHERE m IN $visible) THEN 1 ELSE 0 END) AS degree,
     sum(CASE WHEN any(m IN c.markings WHERE m IN $visible) AND any(m IN k.markings WHERE m IN $visible) THEN 0 ELSE 1 END) AS hidden
OPTIONAL MATCH (s)-[c:CONTAINS]->(k:Commodity)
WHERE any(m IN c.markings WHERE m IN $visible) AND any(m IN k.markings WHERE m IN $visible)
WITH c, k, degree, hidden
ORDER BY CASE WHEN c.marking IN $visible THEN c.item_no ELSE 1000000 END, k.id, c.record LIMIT $limit
RETURN k {.*, kind: 'Commodity'} AS commodity, properties(c) AS item, degree, hidden
ORDER BY CASE WHEN c.marking IN $visible THEN c.item_no ELSE 1000000 END, k.id, c.record
