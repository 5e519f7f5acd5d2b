// name: commodity_prices
// purpose: The unit prices declared for some HS subheadings, imports and exports apart, from a bounded sample of items.
// parameter: codes texts the subheadings
// parameter: without text= an enterprise whose own items, imported or exported, do not count
// parameter: until text=9999-12-31 last day of declaration that counts
// parameter: bound integer=20000 most items that are read of each
// row: hs_code text the subheading
// row: direction text I for imports, E for exports, as declared
// row: currency text currency of the prices
// row: items integer items of the sample that count
// row: low number 10th percentile
// row: median number median
// row: high number 90th percentile
UNWIND $codes AS code
MATCH (k:Commodity {id: code})
CALL {
  WITH k
  MATCH (k)<-[c:CONTAINS]-(s:Shipment)
  WHERE c.marking IN $visible AND (c.valid_from IS NULL OR c.valid_from <= $until)
  WITH c, s LIMIT $bound
  OPTIONAL MATCH (s)<-[r:IMPORTED|EXPORTED]-(e)
  WHERE e.id = $without AND any(m IN r.markings WHERE m IN $visible) AND any(m IN s.markings WHERE m IN $visible)
  WITH c, s, count(r) AS own
  WHERE own = 0
  RETURN c, s
}
WITH k, c, s
WHERE c.net_mass_kg > 0 AND s.marking IN $visible AND any(m IN s.markings WHERE m IN $visible)
RETURN k.id AS hs_code, s.direction AS direction, c.currency AS currency, count(c) AS items,
       percentileCont(toFloat(c.customs_value) / c.net_mass_kg, 0.1) AS low,
       percentileCont(toFloat(c.customs_value) / c.net_mass_kg, 0.5) AS median,
       percentileCont(toFloat(c.customs_value) / c.net_mass_kg, 0.9) AS high
ORDER BY hs_code, direction, currency
