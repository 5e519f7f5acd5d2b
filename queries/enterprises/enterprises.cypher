// name: enterprises
// purpose: Several enterprises by their ids, in no particular order.
// parameter: ids texts the enterprises' ids
// row: id text the id
// row: enterprise node the enterprise
UNWIND $ids AS id
MATCH (e:Enterprise {id: id})
RETURN e.id AS id, e {.*, kind: 'Enterprise'} AS enterprise
