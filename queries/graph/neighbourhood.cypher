// name: neighbourhood
// purpose: Everything one step away from a node, ordered by edge kind and id.
// parameter: kind kind the node's kind
// parameter: id text the node's id
// parameter: bound integer=20000 most edges that are read
// parameter: offset integer=0 rows to leave out
// parameter: limit integer=100 rows in the page
// row: tie text kind of the edge
// row: outward boolean whether the edge leads from the node to the other
// row: other node the other node
// row: link edge the edge
// row: degree integer number of edges there are, read or not
// row: hidden hidden rows the reader may not see, of all pages: told as nodes left out, not in the rows
MATCH (e:__kind__ {id: $id})
WITH e, COUNT { (e)--() } AS degree
MATCH (e)-[r]-(n)
WITH e, degree, r, n LIMIT $bound
WITH e, degree, sum(CASE WHEN any(m IN n.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible) THEN 0 ELSE 1 END) AS hidden
OPTIONAL MATCH (e)-[r]-(n)
WHERE any(m IN n.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible)
WITH e, degree, hidden, r, n LIMIT $bound
WITH degree, hidden, r, n, startNode(r).id = e.id AS outward,
     CASE WHEN r.marking IN $visible THEN coalesce(r.key, '') ELSE '' END AS ranked
ORDER BY type(r), labels(n)[0], n.id, outward, ranked, r.record
SKIP $offset LIMIT $limit
RETURN type(r) AS tie, outward, n {.*, kind: labels(n)[0]} AS other, properties(r) AS link, degree, hidden
ORDER BY type(r), labels(n)[0], n.id, outward, ranked, r.record
