// name: enterprise_ports
// purpose: The ports an enterprise's shipments used, by use, most used first.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day of declaration that counts
// parameter: bound integer=20000 most calls that are read
// parameter: limit integer=100 rows in the page
// row: port text the port's UN/LOCODE
// row: name text its name
// row: use text LOADED_AT, TRANSITED or DISCHARGED_AT
// row: shipments integer shipments the reader may see
// row: hidden integer shipments the reader may not see
// row: last_on text last day of declaration
MATCH (e:Enterprise {id: $id})-[r:IMPORTED|EXPORTED]->(s:Shipment)-[c:LOADED_AT|TRANSITED|DISCHARGED_AT]->(p:Port)
WHERE s.declared_at <= $until
WITH r, s, c, p LIMIT $bound
WITH r, s, c, p,
     s.marking IN $visible AND any(m IN r.markings WHERE m IN $visible)
       AND any(m IN c.markings WHERE m IN $visible) AS seen
WITH CASE WHEN seen THEN p.id ELSE 'hidden' END AS port,
     max(CASE WHEN seen AND p.marking IN $visible THEN p.name END) AS name,
     CASE WHEN seen THEN type(c) ELSE 'hidden' END AS use,
     sum(CASE WHEN seen THEN 1 ELSE 0 END) AS shipments,
     sum(CASE WHEN seen THEN 0 ELSE 1 END) AS hidden,
     max(CASE WHEN seen THEN s.declared_at END) AS last_on
RETURN port, name, use, shipments, hidden, last_on
ORDER BY shipments DESC, port, use
LIMIT $limit
