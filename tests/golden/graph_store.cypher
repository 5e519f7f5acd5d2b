// constraint Enterprise.id
CREATE CONSTRAINT Enterprise_id IF NOT EXISTS FOR (n:Enterprise) REQUIRE n.id IS UNIQUE;

// constraint Person.id
CREATE CONSTRAINT Person_id IF NOT EXISTS FOR (n:Person) REQUIRE n.id IS UNIQUE;

// constraint Shipment.id
CREATE CONSTRAINT Shipment_id IF NOT EXISTS FOR (n:Shipment) REQUIRE n.id IS UNIQUE;

// constraint Port.id
CREATE CONSTRAINT Port_id IF NOT EXISTS FOR (n:Port) REQUIRE n.id IS UNIQUE;

// constraint Commodity.id
CREATE CONSTRAINT Commodity_id IF NOT EXISTS FOR (n:Commodity) REQUIRE n.id IS UNIQUE;

// constraint Country.id
CREATE CONSTRAINT Country_id IF NOT EXISTS FOR (n:Country) REQUIRE n.id IS UNIQUE;

// constraint Address.id
CREATE CONSTRAINT Address_id IF NOT EXISTS FOR (n:Address) REQUIRE n.id IS UNIQUE;

// constraint Contact.id
CREATE CONSTRAINT Contact_id IF NOT EXISTS FOR (n:Contact) REQUIRE n.id IS UNIQUE;

// constraint Vessel.id
CREATE CONSTRAINT Vessel_id IF NOT EXISTS FOR (n:Vessel) REQUIRE n.id IS UNIQUE;

// constraint Container.id
CREATE CONSTRAINT Container_id IF NOT EXISTS FOR (n:Container) REQUIRE n.id IS UNIQUE;

// constraint CustomsOffice.id
CREATE CONSTRAINT CustomsOffice_id IF NOT EXISTS FOR (n:CustomsOffice) REQUIRE n.id IS UNIQUE;

// constraint Finding.id
CREATE CONSTRAINT Finding_id IF NOT EXISTS FOR (n:Finding) REQUIRE n.id IS UNIQUE;

// constraint CreditEvent.id
CREATE CONSTRAINT CreditEvent_id IF NOT EXISTS FOR (n:CreditEvent) REQUIRE n.id IS UNIQUE;

// constraint ListEntry.id
CREATE CONSTRAINT ListEntry_id IF NOT EXISTS FOR (n:ListEntry) REQUIRE n.id IS UNIQUE;

// index Enterprise.name
CREATE INDEX Enterprise_name IF NOT EXISTS FOR (n:Enterprise) ON (n.name);

// index Enterprise.uscc
CREATE INDEX Enterprise_uscc IF NOT EXISTS FOR (n:Enterprise) ON (n.uscc);

// index Enterprise.customs_code
CREATE INDEX Enterprise_customs_code IF NOT EXISTS FOR (n:Enterprise) ON (n.customs_code);

// index Person.name
CREATE INDEX Person_name IF NOT EXISTS FOR (n:Person) ON (n.name);

// index Shipment.declared_at
CREATE INDEX Shipment_declared_at IF NOT EXISTS FOR (n:Shipment) ON (n.declared_at);

// index Finding.outcome
CREATE INDEX Finding_outcome IF NOT EXISTS FOR (n:Finding) ON (n.outcome);

// index CreditEvent.severity
CREATE INDEX CreditEvent_severity IF NOT EXISTS FOR (n:CreditEvent) ON (n.severity);

// index ListEntry.name
CREATE INDEX ListEntry_name IF NOT EXISTS FOR (n:ListEntry) ON (n.name);

// write Enterprise
UNWIND $rows AS row
MERGE (n:Enterprise {id: row.id})
SET n = row.properties;

// remove Enterprise
UNWIND $ids AS id
MATCH (n:Enterprise {id: id})
DETACH DELETE n;

// keys of Enterprise
MATCH (n:Enterprise)
RETURN n.id AS id, n.digest AS digest;

// keys of edges from Enterprise
UNWIND $ids AS id
MATCH (source:Enterprise {id: id})-[edge]->(target)
RETURN type(edge) AS kind, head(labels(target)) AS target_kind, id AS source_id, target.id AS target_id, edge.key AS key, edge.digest AS digest;

// count Enterprise
MATCH (n:Enterprise) RETURN count(n) AS count;

// count OWNS
MATCH ()-[edge:OWNS]->() RETURN count(edge) AS count;

// write Enterprise-IMPORTED-Shipment
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Shipment {id: row.target_id})
MERGE (source)-[edge:IMPORTED {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-EXPORTED-Shipment
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Shipment {id: row.target_id})
MERGE (source)-[edge:EXPORTED {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-DECLARED-Shipment
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Shipment {id: row.target_id})
MERGE (source)-[edge:DECLARED {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-CARRIED-Shipment
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Shipment {id: row.target_id})
MERGE (source)-[edge:CARRIED {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-FORWARDED-Shipment
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Shipment {id: row.target_id})
MERGE (source)-[edge:FORWARDED {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-MANUFACTURED-Shipment
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Shipment {id: row.target_id})
MERGE (source)-[edge:MANUFACTURED {key: row.key}]->(target)
SET edge = row.properties;

// write Shipment-LOADED_AT-Port
UNWIND $rows AS row
MATCH (source:Shipment {id: row.source_id})
MATCH (target:Port {id: row.target_id})
MERGE (source)-[edge:LOADED_AT {key: row.key}]->(target)
SET edge = row.properties;

// write Shipment-TRANSITED-Port
UNWIND $rows AS row
MATCH (source:Shipment {id: row.source_id})
MATCH (target:Port {id: row.target_id})
MERGE (source)-[edge:TRANSITED {key: row.key}]->(target)
SET edge = row.properties;

// write Shipment-DISCHARGED_AT-Port
UNWIND $rows AS row
MATCH (source:Shipment {id: row.source_id})
MATCH (target:Port {id: row.target_id})
MERGE (source)-[edge:DISCHARGED_AT {key: row.key}]->(target)
SET edge = row.properties;

// write Shipment-DEPARTED_FROM-Country
UNWIND $rows AS row
MATCH (source:Shipment {id: row.source_id})
MATCH (target:Country {id: row.target_id})
MERGE (source)-[edge:DEPARTED_FROM {key: row.key}]->(target)
SET edge = row.properties;

// write Shipment-CLEARED_AT-CustomsOffice
UNWIND $rows AS row
MATCH (source:Shipment {id: row.source_id})
MATCH (target:CustomsOffice {id: row.target_id})
MERGE (source)-[edge:CLEARED_AT {key: row.key}]->(target)
SET edge = row.properties;

// write Shipment-CARRIED_ON-Vessel
UNWIND $rows AS row
MATCH (source:Shipment {id: row.source_id})
MATCH (target:Vessel {id: row.target_id})
MERGE (source)-[edge:CARRIED_ON {key: row.key}]->(target)
SET edge = row.properties;

// write Shipment-PACKED_IN-Container
UNWIND $rows AS row
MATCH (source:Shipment {id: row.source_id})
MATCH (target:Container {id: row.target_id})
MERGE (source)-[edge:PACKED_IN {key: row.key}]->(target)
SET edge = row.properties;

// write Shipment-CONTAINS-Commodity
UNWIND $rows AS row
MATCH (source:Shipment {id: row.source_id})
MATCH (target:Commodity {id: row.target_id})
MERGE (source)-[edge:CONTAINS {key: row.key}]->(target)
SET edge = row.properties;

// write Shipment-ORIGINATES_IN-Country
UNWIND $rows AS row
MATCH (source:Shipment {id: row.source_id})
MATCH (target:Country {id: row.target_id})
MERGE (source)-[edge:ORIGINATES_IN {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-OWNS-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:OWNS {key: row.key}]->(target)
SET edge = row.properties;

// write Person-OWNS-Enterprise
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:OWNS {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-CONTROLS-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:CONTROLS {key: row.key}]->(target)
SET edge = row.properties;

// write Person-CONTROLS-Enterprise
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:CONTROLS {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-DIRECTS-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:DIRECTS {key: row.key}]->(target)
SET edge = row.properties;

// write Person-DIRECTS-Enterprise
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:DIRECTS {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-DIRECTS-Person
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:DIRECTS {key: row.key}]->(target)
SET edge = row.properties;

// write Person-DIRECTS-Person
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:DIRECTS {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-SUPERVISES-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:SUPERVISES {key: row.key}]->(target)
SET edge = row.properties;

// write Person-SUPERVISES-Enterprise
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:SUPERVISES {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-SUPERVISES-Person
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:SUPERVISES {key: row.key}]->(target)
SET edge = row.properties;

// write Person-SUPERVISES-Person
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:SUPERVISES {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-EXECUTIVE_OF-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:EXECUTIVE_OF {key: row.key}]->(target)
SET edge = row.properties;

// write Person-EXECUTIVE_OF-Enterprise
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:EXECUTIVE_OF {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-EXECUTIVE_OF-Person
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:EXECUTIVE_OF {key: row.key}]->(target)
SET edge = row.properties;

// write Person-EXECUTIVE_OF-Person
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:EXECUTIVE_OF {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-LEGALLY_REPRESENTS-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:LEGALLY_REPRESENTS {key: row.key}]->(target)
SET edge = row.properties;

// write Person-LEGALLY_REPRESENTS-Enterprise
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:LEGALLY_REPRESENTS {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-LEGALLY_REPRESENTS-Person
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:LEGALLY_REPRESENTS {key: row.key}]->(target)
SET edge = row.properties;

// write Person-LEGALLY_REPRESENTS-Person
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:LEGALLY_REPRESENTS {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-BRANCH_OF-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:BRANCH_OF {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-GUARANTEES-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:GUARANTEES {key: row.key}]->(target)
SET edge = row.properties;

// write Person-GUARANTEES-Enterprise
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:GUARANTEES {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-GUARANTEES-Person
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:GUARANTEES {key: row.key}]->(target)
SET edge = row.properties;

// write Person-GUARANTEES-Person
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:GUARANTEES {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-LENDS_TO-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:LENDS_TO {key: row.key}]->(target)
SET edge = row.properties;

// write Person-LENDS_TO-Enterprise
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:LENDS_TO {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-LENDS_TO-Person
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:LENDS_TO {key: row.key}]->(target)
SET edge = row.properties;

// write Person-LENDS_TO-Person
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:LENDS_TO {key: row.key}]->(target)
SET edge = row.properties;

// write Person-FAMILY_OF-Person
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:FAMILY_OF {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-CONTACT_FOR-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:CONTACT_FOR {key: row.key}]->(target)
SET edge = row.properties;

// write Person-CONTACT_FOR-Enterprise
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:CONTACT_FOR {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-CONTACT_FOR-Person
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:CONTACT_FOR {key: row.key}]->(target)
SET edge = row.properties;

// write Person-CONTACT_FOR-Person
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:CONTACT_FOR {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-REGISTERED_AT-Address
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Address {id: row.target_id})
MERGE (source)-[edge:REGISTERED_AT {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-REACHED_AT-Contact
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Contact {id: row.target_id})
MERGE (source)-[edge:REACHED_AT {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-REGISTERED_IN-Country
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Country {id: row.target_id})
MERGE (source)-[edge:REGISTERED_IN {key: row.key}]->(target)
SET edge = row.properties;

// write Port-LOCATED_IN-Country
UNWIND $rows AS row
MATCH (source:Port {id: row.source_id})
MATCH (target:Country {id: row.target_id})
MERGE (source)-[edge:LOCATED_IN {key: row.key}]->(target)
SET edge = row.properties;

// write Finding-FOUND_IN-Shipment
UNWIND $rows AS row
MATCH (source:Finding {id: row.source_id})
MATCH (target:Shipment {id: row.target_id})
MERGE (source)-[edge:FOUND_IN {key: row.key}]->(target)
SET edge = row.properties;

// write Finding-FOUND_AGAINST-Enterprise
UNWIND $rows AS row
MATCH (source:Finding {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:FOUND_AGAINST {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-SUBJECT_OF-CreditEvent
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:CreditEvent {id: row.target_id})
MERGE (source)-[edge:SUBJECT_OF {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-PAID-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:PAID {key: row.key}]->(target)
SET edge = row.properties;

// write ListEntry-LINKED_TO-ListEntry
UNWIND $rows AS row
MATCH (source:ListEntry {id: row.source_id})
MATCH (target:ListEntry {id: row.target_id})
MERGE (source)-[edge:LINKED_TO {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-LISTED_AS-ListEntry
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:ListEntry {id: row.target_id})
MERGE (source)-[edge:LISTED_AS {key: row.key}]->(target)
SET edge = row.properties;

// write Person-LISTED_AS-ListEntry
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:ListEntry {id: row.target_id})
MERGE (source)-[edge:LISTED_AS {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-POSSIBLY_LISTED_AS-ListEntry
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:ListEntry {id: row.target_id})
MERGE (source)-[edge:POSSIBLY_LISTED_AS {key: row.key}]->(target)
SET edge = row.properties;

// write Person-POSSIBLY_LISTED_AS-ListEntry
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:ListEntry {id: row.target_id})
MERGE (source)-[edge:POSSIBLY_LISTED_AS {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-TRADES_WITH-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:TRADES_WITH {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-SAME_AS-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:SAME_AS {key: row.key}]->(target)
SET edge = row.properties;

// write Person-SAME_AS-Person
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:SAME_AS {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-POSSIBLY_SAME_AS-Enterprise
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Enterprise {id: row.target_id})
MERGE (source)-[edge:POSSIBLY_SAME_AS {key: row.key}]->(target)
SET edge = row.properties;

// write Person-POSSIBLY_SAME_AS-Person
UNWIND $rows AS row
MATCH (source:Person {id: row.source_id})
MATCH (target:Person {id: row.target_id})
MERGE (source)-[edge:POSSIBLY_SAME_AS {key: row.key}]->(target)
SET edge = row.properties;

// write Enterprise-CARRIED-Shipment
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Shipment {id: row.target_id})
MERGE (target)<-[edge:CARRIED {key: row.key}]-(source)
SET edge = row.properties;

// remove Enterprise-IMPORTED-Shipment
UNWIND $rows AS row
MATCH (source:Enterprise {id: row.source_id})
MATCH (target:Shipment {id: row.target_id})
MATCH (source)-[edge:IMPORTED {key: row.key}]->(target)
DELETE edge;
