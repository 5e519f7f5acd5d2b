// name: neighbourhood
// purpose: Everything one step away from a node, ordered by edge kind and id, a page from a key onwards.
// parameter: kind kind the node's kind
// parameter: id text the node's id
// parameter: after text= key of the last row of the page before, or empty
// parameter: bound integer=20000 most edges that are read
// parameter: limit integer=100 rows in the page
// row: tie text kind of the edge
// row: outward boolean whether the edge leads from the node to the other
// row: sort_key text key of the row, for the next page
// row: other node the other node
// row: link edge the edge
// row: degree integer number of edges there are, read or not
MATCH (e:__kind__ {id: $id})
WITH e, COUNT { (e)--() } AS degree
MATCH (e)-[r]-(n)
WITH degree, e, r, n LIMIT $bound
WITH degree, r, n, type(r) AS tie, startNode(r).id = e.id AS outward,
     type(r) + '|' + labels(n)[0] + '|' + n.id + '|' + toString(startNode(r).id = e.id) + '|' + coalesce(r.key, '') AS sort_key
WHERE sort_key > $after
RETURN tie, outward, sort_key, n {.*, kind: labels(n)[0]} AS other, properties(r) AS link, degree
ORDER BY sort_key
LIMIT $limit
