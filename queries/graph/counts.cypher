// name: counts
// purpose: How many nodes of a kind the graph holds for the reader.
// counts: looks at every node of the kind, so it starts from no index
// parameter: kind kind the kind
// row: nodes integer number of nodes
MATCH (n:__kind__)
WHERE any(m IN n.markings WHERE m IN $visible)
RETURN count(n) AS nodes
