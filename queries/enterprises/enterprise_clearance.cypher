// name: enterprise_clearance
// purpose: The shipments of an enterprise by month and role; `hidden` ones are only counted.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day of declaration that counts; hidden ones count on all days
// parameter: bound integer=20000 most shipments that are read
// row: period text the month, YYYY-MM
// row: role text the role in the shipments
// row: shipments integer shipments the reader may see
// row: hidden integer shipments the reader may not see
// row: first_on text first day of declaration
// row: last_on text last day of declaration
MATCH (e:Enterprise {id: $id})-[r:IMPORTED|EXPORTED|DECLARED|CARRIED|FORWARDED|MANUFACTURED]->(s:Shipment)
WITH s, type(r) AS role,
     any(m IN s.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible)
       AND s.marking IN $visible AS seen
WHERE NOT seen OR s.declared_at <= $until
WITH s, role, seen LIMIT $bound
RETURN CASE WHEN seen THEN substring(s.declared_at, 0, 7) ELSE 'hidden' END AS period,
       CASE WHEN seen THEN role ELSE 'hidden' END AS role,
       sum(CASE WHEN seen THEN 1 ELSE 0 END) AS shipments,
       sum(CASE WHEN seen THEN 0 ELSE 1 END) AS hidden,
       min(CASE WHEN seen THEN s.declared_at END) AS first_on,
       max(CASE WHEN seen THEN s.declared_at END) AS last_on
ORDER BY period DESC, role
