// name: enterprise_list_entries
// purpose: The list entries that name an enterprise, or may name it, latest first; those whose day is unknown or hidden come last.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day that counts; rows whose day is hidden stay
// parameter: offset integer=0 rows to leave out
// parameter: limit integer=100 rows in the page
// row: tie text LISTED_AS, or POSSIBLY_LISTED_AS until a person has judged
// row: entry node the entry
// row: link edge the edge to it, with how it was derived
// row: hidden hidden rows the reader may not see, of all pages: told as nodes left out, not in the rows
MATCH (e:Enterprise {id: $id})-[r:LISTED_AS|POSSIBLY_LISTED_AS]->(l:ListEntry)
WITH e, sum(CASE WHEN any(m IN l.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible) THEN 0 ELSE 1 END) AS hidden
OPTIONAL MATCH (e)-[r:LISTED_AS|POSSIBLY_LISTED_AS]->(l:ListEntry)
WHERE any(m IN l.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible)
  AND (NOT l.marking IN $visible OR coalesce(l.listed_on, '') <= $until)
WITH hidden, l, r, CASE WHEN l.marking IN $visible THEN coalesce(l.listed_on, '') ELSE '' END AS day
ORDER BY day DESC, l.id, type(r), r.record
SKIP $offset LIMIT $limit
RETURN type(r) AS tie, l {.*, kind: 'ListEntry'} AS entry, properties(r) AS link, hidden
ORDER BY day DESC, l.id, type(r), r.record
