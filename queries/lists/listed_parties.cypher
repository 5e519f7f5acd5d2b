// name: listed_parties
// purpose: The parties that a list entry names, or may name.
// parameter: id text the entry's id
// parameter: limit integer=100 most rows
// row: tie text LISTED_AS, or POSSIBLY_LISTED_AS until a person has judged
// row: party node the party
// row: link edge the edge from it, with how it was derived
// row: degree integer number of rows there are for the reader, shown or not
// row: hidden hidden rows the reader may not see, of all pages: told as nodes left out, not in the rows
MATCH (l:ListEntry {id: $id})<-[r:LISTED_AS|POSSIBLY_LISTED_AS]-(n)
WITH l, sum(CASE WHEN any(m IN r.markings WHERE m IN $visible) AND any(m IN n.markings WHERE m IN $visible) THEN 1 ELSE 0 END) AS degree,
     sum(CASE WHEN any(m IN r.markings WHERE m IN $visible) AND any(m IN n.markings WHERE m IN $visible) THEN 0 ELSE 1 END) AS hidden
OPTIONAL MATCH (l)<-[r:LISTED_AS|POSSIBLY_LISTED_AS]-(n)
WHERE any(m IN r.markings WHERE m IN $visible) AND any(m IN n.markings WHERE m IN $visible)
WITH r, n, degree, hidden
ORDER BY type(r), n.id, r.record LIMIT $limit
RETURN type(r) AS tie, n {.*, kind: labels(n)[0]} AS party, properties(r) AS link, degree, hidden
ORDER BY type(r), n.id, r.record
