// name: enterprise_events
// purpose: The credit events of an enterprise, latest first, a page from a key onwards.
// parameter: id text the enterprise's id
// parameter: until text last day that counts
// parameter: after_on text day of the last row of the page before, or a day after all
// parameter: after_id text id of the last row of the page before, or empty
// parameter: bound integer most events that are read
// parameter: limit integer rows in the page
// row: event node the event
// row: link edge the edge to it
MATCH (e:Enterprise {id: $id})-[r:SUBJECT_OF]->(c:CreditEvent)
WHERE c.occurred_on <= $until
WITH c, r LIMIT $bound
WITH c, r
WHERE c.occurred_on < $after_on OR (c.occurred_on = $after_on AND c.id > $after_id)
RETURN c {.*, kind: 'CreditEvent'} AS event, properties(r) AS link
ORDER BY c.occurred_on DESC, c.id
LIMIT $limit
