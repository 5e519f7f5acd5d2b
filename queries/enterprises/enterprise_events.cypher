// name: enterprise_events
// purpose: The credit events of an enterprise, latest first; those whose day is hidden come last.
// parameter: id text the enterprise's id
// parameter: until text=9999-12-31 last day that counts; rows whose day is hidden stay
// parameter: offset integer=0 rows to leave out
// parameter: limit integer=100 rows in the page
// row: event node the event
// row: link edge the edge to it
// row: hidden hidden rows the reader may not see, of all pages: told as nodes left out, not in the rows
MATCH (e:Enterprise {id: $id})-[r:SUBJECT_OF]->(c:CreditEvent)
WITH e, sum(CASE WHEN any(m IN c.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible) THEN 0 ELSE 1 END) AS hidden
OPTIONAL MATCH (e)-[r:SUBJECT_OF]->(c:CreditEvent)
WHERE any(m IN c.markings WHERE m IN $visible) AND any(m IN r.markings WHERE m IN $visible)
  AND (NOT c.marking IN $visible OR c.occurred_on <= $until)
WITH hidden, c, r, CASE WHEN c.marking IN $visible THEN c.occurred_on ELSE '' END AS day
ORDER BY day DESC, c.id, r.record
SKIP $offset LIMIT $limit
RETURN c {.*, kind: 'CreditEvent'} AS event, properties(r) AS link, hidden
ORDER BY day DESC, c.id, r.record
