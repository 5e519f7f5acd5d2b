// name: enterprise_by_identifier
// purpose: Enterprises with this id, or with this unified social credit code or customs code where the reader may see it.
// parameter: identifier text the identifier
// row: enterprise node the enterprise
// row: matched text which identifier it is
MATCH (e:Enterprise {uscc: $identifier})
WHERE e.marking IN $visible
RETURN e {.*, kind: 'Enterprise'} AS enterprise, 'uscc' AS matched
UNION
MATCH (e:Enterprise {customs_code: $identifier})
WHERE e.marking IN $visible
RETURN e {.*, kind: 'Enterprise'} AS enterprise, 'customs_code' AS matched
UNION
MATCH (e:Enterprise {id: $identifier})
RETURN e {.*, kind: 'Enterprise'} AS enterprise, 'id' AS matched
