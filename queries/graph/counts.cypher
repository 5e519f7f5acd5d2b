// name: counts
// purpose: How many nodes of each kind the graph holds.
// counts: reads the servers' own counters, so it starts from no index
// parameter: kind kind the kind
// row: nodes integer number of nodes
MATCH (n:__kind__)
RETURN count(n) AS nodes
