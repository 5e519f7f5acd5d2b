// name: list_entry
// purpose: One list entry by its id.
// parameter: id text the entry's id
// row: entry node the entry
MATCH (l:ListEntry {id: $id})
RETURN l {.*, kind: 'ListEntry'} AS entry
