// name: enterprise_commodities
// purpose: What an enterprise trades: items, value and mass by HS subheading and role, largest first.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day of declaration that counts; hidden ones count on all days
// parameter: bound integer=20000 most items that are read
// parameter: offset integer=0 rows to leave out
// parameter: limit integer=100 rows in the page
// row: hs_code text the subheading
// row: description text its description
// row: role text importer or exporter, as the edge is named
// row: currency text currency of the value
// row: items integer items the reader may see
// row: hidden integer items the reader may not see, of all rows
// row: customs_value number sum of customs values
// row: net_mass_kg number sum of net masses
// row: last_on text last day of declaration
// row: read integer number of items read for all rows
MATCH (e:Enterprise {id: $id})-[r:IMPORTED|EXPORTED]->(s:Shipment)-[c:CONTAINS]->(k:Commodity)
WITH r, s, c, k,
     any(m IN s.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible)
       AND s.marking IN $visible AND c.marking IN $visible AS seen
WHERE NOT seen OR s.declared_at <= $until
WITH r, s, c, k, seen LIMIT $bound
WITH CASE WHEN seen THEN k.id ELSE 'hidden' END AS hs_code,
     max(CASE WHEN seen AND k.marking IN $visible THEN k.description END) AS description,
     CASE WHEN seen THEN type(r) ELSE 'hidden' END AS role,
     CASE WHEN seen THEN c.currency END AS currency,
     sum(CASE WHEN seen THEN 1 ELSE 0 END) AS items,
     sum(CASE WHEN seen THEN 0 ELSE 1 END) AS hidden,
     sum(CASE WHEN seen THEN toFloat(c.customs_value) ELSE 0.0 END) AS customs_value,
     sum(CASE WHEN seen THEN toFloat(c.net_mass_kg) ELSE 0.0 END) AS net_mass_kg,
     max(CASE WHEN seen THEN s.declared_at END) AS last_on
WITH collect(CASE WHEN items > 0 THEN {hs_code: hs_code, description: description, role: role, currency: currency, items: items,
              customs_value: customs_value, net_mass_kg: net_mass_kg, last_on: last_on} END) AS rows,
     sum(hidden) AS hidden, sum(items + hidden) AS read
UNWIND CASE WHEN size(rows) = 0 THEN [null] ELSE rows END AS row
RETURN row.hs_code AS hs_code, row.description AS description, row.role AS role, row.currency AS currency,
       row.items AS items, hidden, row.customs_value AS customs_value,
       row.net_mass_kg AS net_mass_kg, row.last_on AS last_on, read
ORDER BY customs_value DESC, hs_code, role, currency
SKIP $offset LIMIT $limit
