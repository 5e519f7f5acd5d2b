// name: listed_parties
// purpose: The parties that a list entry names, or may name.
// parameter: id text the entry's id
// parameter: limit integer=100 most rows
// row: tie text LISTED_AS, or POSSIBLY_LISTED_AS until a person has judged
// row: party node the party
// row: link edge the edge from it, with how it was derived
MATCH (l:ListEntry {id: $id})<-[r:LISTED_AS|POSSIBLY_LISTED_AS]-(n)
WITH r, n LIMIT $limit
RETURN type(r) AS tie, n {.*, kind: labels(n)[0]} AS party, properties(r) AS link
ORDER BY tie, n.id
