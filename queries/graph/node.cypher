// name: node
// purpose: One node of any kind by its id.
// parameter: kind kind the node's kind
// parameter: id text the node's id
// row: node node the node
MATCH (n:__kind__ {id: $id})
RETURN n {.*, kind: labels(n)[0]} AS node
