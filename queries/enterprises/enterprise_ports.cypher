// name: enterprise_ports
// purpose: The ports an enterprise's shipments used, by use, most used first.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day of declaration that counts; hidden ones count on all days
// parameter: bound integer=20000 most calls that are read
// parameter: limit integer=100 rows in the page
// row: port text the port's UN/LOCODE
// row: name text its name
// row: use text LOADED_AT, TRANSITED or DISCHARGED_AT
// row: shipments integer shipments the reader may see
// row: hidden integer shipments the reader may not see
// row: last_on text last day of declaration
// row: read integer number of calls read for all rows; as many as the bound: there may be more
// row: rows integer number of rows there are, shown or not
MATCH (e:Enterprise {id: $id})-[r:IMPORTED|EXPORTED]->(s:Shipment)-[c:LOADED_AT|TRANSITED|DISCHARGED_AT]->(p:Port)
WITH s, c, p,
     s.marking IN $visible AND any(m IN r.markings WHERE m IN $visible)
       AND any(m IN c.markings WHERE m IN $visible) AS seen
WHERE NOT seen OR s.declared_at <= $until
WITH s, c, p, seen LIMIT $bound
WITH CASE WHEN seen THEN p.id ELSE 'hidden' END AS port,
     max(CASE WHEN seen AND p.marking IN $visible THEN p.name END) AS name,
     CASE WHEN seen THEN type(c) ELSE 'hidden' END AS use,
     sum(CASE WHEN seen THEN 1 ELSE 0 END) AS shipments,
     sum(CASE WHEN seen THEN 0 ELSE 1 END) AS hidden,
     max(CASE WHEN seen THEN s.declared_at END) AS last_on
WITH collect({port: port, name: name, use: use, shipments: shipments, hidden: hidden, last_on: last_on}) AS rows,
     sum(shipments + hidden) AS read
UNWIND rows AS row
RETURN row.port AS port, row.name AS name, row.use AS use, row.shipments AS shipments, row.hidden AS hidden,
       row.last_on AS last_on, read, size(rows) AS rows
ORDER BY shipments DESC, port, use
LIMIT $limit
