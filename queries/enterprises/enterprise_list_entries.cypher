// name: enterprise_list_entries
// purpose: The list entries that name an enterprise, or may name it.
// parameter: id text the enterprise's id
// parameter: limit integer=100 most rows
// row: tie text LISTED_AS, or POSSIBLY_LISTED_AS until a person has judged
// row: entry node the entry
// row: link edge the edge to it, with how it was derived
MATCH (e:Enterprise {id: $id})-[r:LISTED_AS|POSSIBLY_LISTED_AS]->(l:ListEntry)
WITH l, r LIMIT $limit
RETURN type(r) AS tie, l {.*, kind: 'ListEntry'} AS entry, properties(r) AS link
ORDER BY tie, l.id
