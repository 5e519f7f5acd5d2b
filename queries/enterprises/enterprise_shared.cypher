// name: enterprise_shared
// purpose: The enterprises that share an address, a telephone number or an e-mail address with an enterprise.
// parameter: id text the enterprise's id
// parameter: after text= key of the last row of the page before, or empty
// parameter: bound integer=20000 most sharing enterprises that are read
// parameter: limit integer=100 rows in the page
// row: tie text REGISTERED_AT or REACHED_AT
// row: sort_key text key of the row, for the next page
// row: via node the address or contact
// row: party node the other enterprise
// row: own_link edge the edge from the enterprise
// row: link edge the edge from the other enterprise
MATCH (e:Enterprise {id: $id})-[o:REGISTERED_AT|REACHED_AT]->(a)<-[r:REGISTERED_AT|REACHED_AT]-(n:Enterprise)
WHERE n.id <> $id
WITH o, a, r, n LIMIT $bound
WITH o, a, r, n, type(r) + '|' + n.id + '|' + a.id + '|' + coalesce(o.key, '') + '|' + coalesce(r.key, '') AS sort_key
WHERE sort_key > $after
RETURN type(r) AS tie, sort_key, a {.*, kind: labels(a)[0]} AS via, n {.*, kind: 'Enterprise'} AS party,
       properties(o) AS own_link, properties(r) AS link
ORDER BY sort_key
LIMIT $limit
