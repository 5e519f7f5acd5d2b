// name: enterprise_related
// purpose: The parties directly tied to an enterprise: owners, holdings, persons, branches, trade partners, possible duplicates.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day of beginning that counts
// parameter: after text= key of the last row of the page before, or empty
// parameter: bound integer=20000 most ties that are read
// parameter: limit integer=100 rows in the page
// row: tie text kind of the edge
// row: outward boolean whether the edge leads from the enterprise to the party
// row: sort_key text key of the row, for the next page
// row: party node the party
// row: link edge the edge
// row: degree integer number of edges there are, read or not
MATCH (e:Enterprise {id: $id})
WITH e, COUNT { (e)-[:OWNS|CONTROLS|DIRECTS|SUPERVISES|EXECUTIVE_OF|LEGALLY_REPRESENTS|BRANCH_OF|GUARANTEES|LENDS_TO|CONTACT_FOR|TRADES_WITH|PAID|SAME_AS|POSSIBLY_SAME_AS]-() } AS degree
MATCH (e)-[r:OWNS|CONTROLS|DIRECTS|SUPERVISES|EXECUTIVE_OF|LEGALLY_REPRESENTS|BRANCH_OF|GUARANTEES|LENDS_TO|CONTACT_FOR|TRADES_WITH|PAID|SAME_AS|POSSIBLY_SAME_AS]-(n)
WHERE r.valid_from IS NULL OR r.valid_from <= $until
WITH degree, e, r, n LIMIT $bound
WITH degree, r, n, type(r) AS tie, startNode(r).id = e.id AS outward,
     type(r) + '|' + n.id + '|' + toString(startNode(r).id = e.id) + '|' + coalesce(r.key, '') AS sort_key
WHERE sort_key > $after
RETURN tie, outward, sort_key, n {.*, kind: labels(n)[0]} AS party, properties(r) AS link, degree
ORDER BY sort_key
LIMIT $limit
