"use strict";
// A page to write GraphQL queries on: examples, variables, the answer, and the fields there are.

const EXAMPLES = {
  about: ["What is served 数据概况", `{
  about { snapshot asOf model clearance }
  counts { kind nodes }
}`, {}],
  search: ["Find by name 按名称查找", `query Search($text: String!) {
  search(text: $text, limit: 10) {
    results { id kind name score reason }
  }
}`, { text: "海丰" }],
  portrait: ["Portrait of an enterprise 企业画像", `query Portrait($id: String!) {
  enterprise(id: $id) {
    asOf
    enterprise { id name country }
    registration { nameEn uscc creditClass }
    grade { band points reasons { en zh } }
    risk {
      probability { probability low high }
      influence { influence }
      note
    }
  }
}`, { id: "" }],
  paths: ["Risk paths 风险路径", `query Paths($id: String!) {
  riskPaths(id: $id, limit: 3) {
    influence
    paths {
      contribution reason sourceName
      hops {
        fromName kind toName validFrom
        document { file row }
      }
    }
  }
}`, { id: "" }],
  owners: ["Owners 股东", `query Owners($id: String!) {
  owners(id: $id) {
    owners { id name share direct controls ultimate }
  }
}`, { id: "" }],
  connections: ["How two are tied 两者关联", `query Connections(
  $sourceKind: NodeKind!, $source: String!,
  $targetKind: NodeKind!, $target: String!
) {
  connections(
    sourceKind: $sourceKind, source: $source,
    targetKind: $targetKind, target: $target, limit: 3
  ) {
    paths {
      reliability
      hops {
        fromName kind toName validFrom
        document { file row }
      }
    }
  }
}`, { sourceKind: "Enterprise", source: "", targetKind: "Enterprise", target: "" }],
  neighbourhood: ["What it is tied to 关联", `query Tied($kind: NodeKind!, $id: String!) {
  neighbourhood(kind: $kind, id: $id, first: 20) {
    nodes { id kind name }
    edges { source target kind }
  }
}`, { kind: "Enterprise", id: "" }],
};
const TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
const SCHEMA = `{ __schema { queryType { name } types {
  name description kind
  fields { name description args { name type { ${TYPE} } } type { ${TYPE} } }
  enumValues { name description }
} } }`;

let id = "";

async function run() {
  const started = performance.now();
  at("status").textContent = "…";
  try {
    const variables = JSON.parse(at("variables").value.trim() || "{}");
    const answer = await ask(at("query").value, variables);
    at("result").textContent = JSON.stringify(answer, null, 2);
    at("result").classList.toggle("refused", Boolean(answer.errors));
    const took = Math.round(performance.now() - started);
    const said = answer.errors ? answer.errors[0].message : "answered";
    at("status").textContent = `${said} (${took} ms)`;
    if (!types.size) await learn();
  } catch (error) {
    at("status").textContent = error.message;
  }
}

function choose(name) {
  id = writtenId() || id;
  const [, query, blank] = EXAMPLES[name];
  const variables = { ...blank };
  if ("id" in variables) variables.id = id;
  at("examples").value = name;
  at("query").value = query;
  at("variables").value = JSON.stringify(variables, null, 2);
}

// The id that is written in the variables: it stays when another example is chosen.
function writtenId() {
  try {
    return JSON.parse(at("variables").value || "{}").id;
  } catch {
    return "";
  }
}

// The fields there are: a type at a time, each type a link.

const types = new Map();

function inner(type) {
  return type.ofType ? inner(type.ofType) : type.name;
}

function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  if (type.kind === "LIST") return `[${written(type.ofType)}]`;
  return type.name;
}

function link(type) {
  const name = inner(type);
  const known = types.get(name);
  if (!known || !(known.fields || known.enumValues)) return written(type);
  const made = document.createElement("a");
  made.href = "#";
  made.textContent = written(type);
  made.addEventListener("click", (event) => { event.preventDefault(); show(name); });
  return made;
}

function show(name) {
  const type = types.get(name);
  const title = document.createElement("h3");
  title.textContent = name;
  const about = document.createElement("div");
  about.textContent = type.description || "";
  const list = document.createElement("dl");
  for (const field of type.fields || type.enumValues) {
    const term = document.createElement("dt");
    const given = (field.args || []).map((one) => `${one.name}: ${written(one.type)}`).join(", ");
    term.append(field.name + (given ? `(${given})` : ""));
    if (field.type) term.append(": ", link(field.type));
    const meaning = document.createElement("dd");
    meaning.textContent = field.description || "";
    list.append(term, meaning);
  }
  const back = link({ name: root });
  at("types").replaceChildren(...(name === root ? [] : [back]), title, about, list);
  at("types").scrollTop = 0;
}

let root = "Query";

async function learn() {
  const answer = await ask(SCHEMA, {});
  if (answer.errors) return;
  root = answer.data.__schema.queryType.name;
  for (const type of answer.data.__schema.types) types.set(type.name, type);
  show(root);
}

function start() {
  for (const [name, [title]] of Object.entries(EXAMPLES)) at("examples").append(new Option(title, name));
  at("examples").addEventListener("change", (event) => event.target.value && choose(event.target.value));
  at("run").addEventListener("click", run);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); }
  });
  const asked = new URLSearchParams(location.search);
  const name = asked.get("example");
  const known = Object.hasOwn(EXAMPLES, name);
  choose(known ? name : "about");
  if (asked.get("id") && known) {
    const variables = { ...EXAMPLES[name][2], id: asked.get("id") };
    if ("kind" in variables) variables.kind = asked.get("kind") || "Enterprise";
    at("variables").value = JSON.stringify(variables, null, 2);
    run();
  } else {
    learn().catch((error) => { at("status").textContent = error.message; });
  }
}

start();
