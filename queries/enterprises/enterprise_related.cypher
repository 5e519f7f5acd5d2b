// name: enterprise_related
// purpose: The parties directly tied to an enterprise: owners, holdings, persons, branches, trade partners, possible duplicates.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day that counts; rows whose day is hidden stay
// parameter: bound integer=20000 most edges that are read
// parameter: offset integer=0 rows to leave out
// parameter: limit integer=100 rows in the page
// row: tie text kind of the edge
// row: outward boolean whether the edge leads from the enterprise to the party
// row: party node the party
// row: link edge the edge
// row: degree integer number of edges there are, read or not
// row: hidden hidden rows the reader may not see, of all pages: told as nodes left out, not in the rows
MATCH (e:Enterprise {id: $id})
WITH e, COUNT { (e)-[:OWNS|CONTROLS|DIRECTS|SUPERVISES|EXECUTIVE_OF|LEGALLY_REPRESENTS|BRANCH_OF|GUARANTEES|LENDS_TO|CONTACT_FOR|TRADES_WITH|PAID|SAME_AS|POSSIBLY_SAME_AS]-() } AS degree
MATCH (e)-[r:OWNS|CONTROLS|DIRECTS|SUPERVISES|EXECUTIVE_OF|LEGALLY_REPRESENTS|BRANCH_OF|GUARANTEES|LENDS_TO|CONTACT_FOR|TRADES_WITH|PAID|SAME_AS|POSSIBLY_SAME_AS]-(n)
WITH e, degree, r, n LIMIT $bound
WITH e, degree, sum(CASE WHEN any(m IN n.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible) THEN 0 ELSE 1 END) AS hidden
OPTIONAL MATCH (e)-[r:OWNS|CONTROLS|DIRECTS|SUPERVISES|EXECUTIVE_OF|LEGALLY_REPRESENTS|BRANCH_OF|GUARANTEES|LENDS_TO|CONTACT_FOR|TRADES_WITH|PAID|SAME_AS|POSSIBLY_SAME_AS]-(n)
WHERE any(m IN n.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible)
  AND (NOT r.marking IN $visible OR r.valid_from IS NULL OR r.valid_from <= $until)
WITH e, degree, hidden, r, n LIMIT $bound
WITH degree, hidden, r, n, startNode(r).id = e.id AS outward,
     CASE WHEN r.marking IN $visible THEN coalesce(r.key, '') ELSE '' END AS ranked
ORDER BY type(r), labels(n)[0], n.id, outward, ranked, r.record
SKIP $offset LIMIT $limit
RETURN type(r) AS tie, outward, n {.*, kind: labels(n)[0]} AS party, properties(r) AS link, degree, hidden
ORDER BY type(r), labels(n)[0], n.id, outward, ranked, r.record
