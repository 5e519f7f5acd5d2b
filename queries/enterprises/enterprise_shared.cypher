// name: enterprise_shared
// purpose: The enterprises that share an address, a telephone number or an e-mail address with an enterprise, one row each and what is shared.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day that counts; rows whose day is hidden stay
// parameter: bound integer=20000 most pairs of edges that are read
// parameter: offset integer=0 rows to leave out
// parameter: limit integer=100 rows in the page
// row: tie text REGISTERED_AT or REACHED_AT
// row: via node the address or contact
// row: party node the other enterprise
// row: own_link edge the edge from the enterprise; of several, told at several times, one in force, the latest
// row: link edge the edge from the other enterprise; of several the same
// row: read integer number of pairs of edges that were read; as many as the bound: there may be more
// row: hidden hidden rows the reader may not see, of all pages: told as nodes left out, not in the rows
MATCH (e:Enterprise {id: $id})-[o:REGISTERED_AT|REACHED_AT]->(a)<-[r:REGISTERED_AT|REACHED_AT]-(n:Enterprise)
WHERE n.id <> $id
WITH e, o, a, r, n LIMIT $bound
WITH e, a, n,
     any(m IN o.markings WHERE m IN $visible) AND any(m IN a.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible) AND any(m IN n.markings WHERE m IN $visible) AS seen,
     (NOT o.marking IN $visible OR o.valid_from IS NULL OR o.valid_from <= $until)
       AND (NOT r.marking IN $visible OR r.valid_from IS NULL OR r.valid_from <= $until) AS begun
WITH e, a, n, count(*) AS pairs, sum(CASE WHEN seen AND begun THEN 1 ELSE 0 END) AS shown,
     sum(CASE WHEN seen THEN 0 ELSE 1 END) AS unseen
WITH e, sum(pairs) AS read, sum(CASE WHEN shown = 0 AND unseen > 0 THEN 1 ELSE 0 END) AS hidden
OPTIONAL MATCH (e)-[o:REGISTERED_AT|REACHED_AT]->(a)<-[r:REGISTERED_AT|REACHED_AT]-(n:Enterprise)
WHERE n.id <> $id AND any(m IN o.markings WHERE m IN $visible) AND any(m IN a.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible) AND any(m IN n.markings WHERE m IN $visible)
  AND (NOT o.marking IN $visible OR o.valid_from IS NULL OR o.valid_from <= $until)
  AND (NOT r.marking IN $visible OR r.valid_from IS NULL OR r.valid_from <= $until)
WITH read, hidden, o, a, r, n LIMIT $bound
WITH read, hidden, o, a, r, n,
     CASE WHEN o.marking IN $visible AND o.valid_to <= $until THEN 1 ELSE 0 END AS own_ended,
     CASE WHEN r.marking IN $visible AND r.valid_to <= $until THEN 1 ELSE 0 END AS ended,
     CASE WHEN o.marking IN $visible THEN coalesce(o.key, '') ELSE '' END AS own_key,
     CASE WHEN r.marking IN $visible THEN coalesce(r.key, '') ELSE '' END AS ranked
ORDER BY own_ended, ended, own_key DESC, ranked DESC, o.record, r.record
WITH read, hidden, type(r) AS tie, a, n, collect(o)[0] AS own, collect(r)[0] AS other
ORDER BY tie, n.id, a.id
SKIP $offset LIMIT $limit
RETURN tie, a {.*, kind: labels(a)[0]} AS via, n {.*, kind: 'Enterprise'} AS party,
       properties(own) AS own_link, properties(other) AS link, read, hidden
ORDER BY tie, n.id, a.id
