// name: list_entries_named
// purpose: The list entries with exactly this name, where the reader may see it.
// parameter: name text the name
// parameter: limit integer=100 most rows
// row: entry node the entry
// row: matches integer number of such entries, shown or not
MATCH (l:ListEntry {name: $name})
WHERE l.marking IN $visible
WITH count(l) AS matches
MATCH (l:ListEntry {name: $name})
WHERE l.marking IN $visible
WITH l, matches ORDER BY l.id LIMIT $limit
RETURN l {.*, kind: 'ListEntry'} AS entry, matches
ORDER BY l.id
