// name: enterprise
// purpose: One enterprise by its id.
// parameter: id text the enterprise's id
// row: enterprise node the enterprise
MATCH (e:Enterprise {id: $id})
RETURN e {.*, kind: 'Enterprise'} AS enterprise
