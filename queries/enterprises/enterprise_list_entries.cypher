// name: enterprise_list_entries
// purpose: The list entries that name an enterprise.
// parameter: id text the enterprise's id
// parameter: limit integer=100 most rows
// row: entry node the entry
// row: link edge the edge to it, with how it was derived
MATCH (e:Enterprise {id: $id})-[r:LISTED_AS]->(l:ListEntry)
WITH l, r LIMIT $limit
RETURN l {.*, kind: 'ListEntry'} AS entry, properties(r) AS link
ORDER BY l.id
