// name: list_entries_named
// purpose: The list entries with exactly this name.
// parameter: name text the name
// parameter: limit integer=100 most rows
// row: entry node the entry
MATCH (l:ListEntry {name: $name})
WITH l ORDER BY l.id LIMIT $limit
RETURN l {.*, kind: 'ListEntry'} AS entry
