// name: enterprise_events
// purpose: The credit events of an enterprise, latest first, a page from a key onwards.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day that counts
// parameter: after_on text=9999-12-31 day of the last row of the page before, or a day after all
// parameter: after_id text= id of the last row of the page before, or empty
// parameter: bound integer=20000 most events that are read
// parameter: limit integer=100 rows in the page
// row: event node the event
// row: link edge the edge to it
// row: sort_on text day of the row, for the next page
// row: sort_id text key of the row, for the next page
// row: degree integer number of edges there are, read or not
MATCH (e:Enterprise {id: $id})
WITH e, COUNT { (e)-[:SUBJECT_OF]->() } AS degree
MATCH (e)-[r:SUBJECT_OF]->(c:CreditEvent)
WHERE c.occurred_on <= $until
WITH degree, c, r LIMIT $bound
WITH degree, c, r, c.occurred_on AS sort_on, c.id AS sort_id
WHERE sort_on < $after_on OR (sort_on = $after_on AND sort_id > $after_id)
RETURN c {.*, kind: 'CreditEvent'} AS event, properties(r) AS link, sort_on, sort_id, degree
ORDER BY sort_on DESC, sort_id
LIMIT $limit
