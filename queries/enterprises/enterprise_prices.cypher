// name: enterprise_prices
// purpose: The unit prices an enterprise declares, value per kilogram, by HS subheading, most items first.
// parameter: id text the enterprise's id
// parameter: until text last day of declaration that counts
// parameter: bound integer most items that are read
// parameter: offset integer rows to leave out
// parameter: limit integer rows in the page
// row: hs_code text the subheading
// row: role text importer or exporter, as the edge is named
// row: currency text currency of the prices
// row: items integer items with a value and a mass
// row: low number 10th percentile
// row: median number median
// row: high number 90th percentile
// row: last_on text last day of declaration
MATCH (e:Enterprise {id: $id})-[r:IMPORTED|EXPORTED]->(s:Shipment)-[c:CONTAINS]->(k:Commodity)
WHERE s.declared_at <= $until
WITH r, s, c, k LIMIT $bound
WITH r, s, c, k
WHERE c.net_mass_kg > 0 AND c.marking IN $visible AND s.marking IN $visible
  AND any(m IN r.markings WHERE m IN $visible)
WITH k.id AS hs_code, type(r) AS role, c.currency AS currency, count(c) AS items,
     percentileCont(toFloat(c.customs_value) / c.net_mass_kg, 0.1) AS low,
     percentileCont(toFloat(c.customs_value) / c.net_mass_kg, 0.5) AS median,
     percentileCont(toFloat(c.customs_value) / c.net_mass_kg, 0.9) AS high,
     max(s.declared_at) AS last_on
RETURN hs_code, role, currency, items, low, median, high, last_on
ORDER BY items DESC, hs_code, role, currency
SKIP $offset LIMIT $limit
