// name: enterprise_prices
// purpose: The unit prices an enterprise declares, value per kilogram, by HS subheading, most items first.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day of declaration that counts; hidden ones count on all days
// parameter: bound integer=20000 most items that are read
// parameter: offset integer=0 rows to leave out
// parameter: limit integer=100 rows in the page
// row: hs_code text the subheading
// row: role text importer or exporter, as the edge is named
// row: direction text I for imports, E for exports, as declared: the supplier of an import is its exporter
// row: currency text currency of the prices
// row: items integer items with a value and a mass that the reader may see
// row: hidden integer items the reader may not see, of all rows
// row: low number 10th percentile
// row: median number median
// row: high number 90th percentile
// row: last_on text last day of declaration
// row: read integer number of items read for all rows
MATCH (e:Enterprise {id: $id})-[r:IMPORTED|EXPORTED]->(s:Shipment)-[c:CONTAINS]->(k:Commodity)
WITH r, s, c, k,
     any(m IN s.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible)
       AND s.marking IN $visible AND c.marking IN $visible AS seen
WHERE NOT seen OR s.declared_at <= $until
WITH r, s, c, k, seen LIMIT $bound
WITH r, s, c, k, seen, CASE WHEN seen AND c.net_mass_kg > 0 THEN c.customs_value / c.net_mass_kg END AS price
WITH CASE WHEN seen THEN k.id ELSE 'hidden' END AS hs_code,
     CASE WHEN seen THEN type(r) ELSE 'hidden' END AS role,
     CASE WHEN seen THEN s.direction END AS direction,
     CASE WHEN seen THEN c.currency END AS currency,
     count(price) AS items,
     sum(CASE WHEN seen THEN 0 ELSE 1 END) AS hidden,
     count(*) AS each,
     percentileCont(price, 0.1) AS low, percentileCont(price, 0.5) AS median, percentileCont(price, 0.9) AS high,
     max(CASE WHEN seen THEN s.declared_at END) AS last_on
WITH collect(CASE WHEN items > 0 THEN {hs_code: hs_code, role: role, direction: direction, currency: currency, items: items, low: low,
              median: median, high: high, last_on: last_on} END) AS rows, sum(hidden) AS hidden, sum(each) AS read
UNWIND CASE WHEN size(rows) = 0 THEN [null] ELSE rows END AS row
RETURN row.hs_code AS hs_code, row.role AS role, row.direction AS direction, row.currency AS currency, row.items AS items, hidden,
       row.low AS low, row.median AS median, row.high AS high, row.last_on AS last_on, read
ORDER BY items DESC, hs_code, role, direction, currency
SKIP $offset LIMIT $limit
