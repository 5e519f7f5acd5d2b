// name: neighbourhood_counts
// purpose: How many edges of each kind a node has, up to a bound.
// parameter: kind kind the node's kind
// parameter: id text the node's id
// parameter: bound integer=20000 most edges that are read
// row: tie text kind of the edge
// row: outward boolean whether the edges lead from the node to the others
// row: edges integer number of edges the reader may see
// row: hidden integer number of edges the reader may not see
// row: degree integer number of edges there are, read or not
MATCH (e:__kind__ {id: $id})
WITH e, COUNT { (e)--() } AS degree
MATCH (e)-[r]-(n)
WITH degree, e, r, n LIMIT $bound
WITH degree, type(r) AS tie, startNode(r).id = e.id AS outward,
     any(m IN r.markings WHERE m IN $visible) AND any(m IN n.markings WHERE m IN $visible) AS seen
RETURN CASE WHEN seen THEN tie ELSE 'hidden' END AS tie, CASE WHEN seen THEN outward ELSE false END AS outward,
       sum(CASE WHEN seen THEN 1 ELSE 0 END) AS edges, sum(CASE WHEN seen THEN 0 ELSE 1 END) AS hidden, degree
ORDER BY tie, outward
