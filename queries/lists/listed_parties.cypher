// name: listed_parties
// purpose: The parties that a list entry names, by identifier or judgement.
// parameter: id text the entry's id
// parameter: limit integer=100 most rows
// row: party node the party
// row: link edge the edge from it, with how it was derived
MATCH (l:ListEntry {id: $id})<-[r:LISTED_AS]-(n)
WITH r, n LIMIT $limit
RETURN n {.*, kind: labels(n)[0]} AS party, properties(r) AS link
ORDER BY n.id
