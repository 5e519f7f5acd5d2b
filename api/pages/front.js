"use strict";
// The front page: what is served, and a search box. Answers are only ever shown as text.

const ABOUT = `{ about { snapshot asOf model clearance } }`;
const COUNTS = `{ counts { kind nodes } }`;
const SEARCH = `query Search($text: String!) {
  search(text: $text, limit: 10) { results { id kind name reason } }
}`;
const LINKS = {
  Enterprise: [["portrait", "portrait 画像"], ["paths", "risk paths 风险路径"], ["owners", "owners 股东"]],
};

function element(name, text, href) {
  const made = document.createElement(name);
  made.textContent = text;
  if (href) made.href = href;
  return made;
}

function row(hit) {
  const line = document.createElement("tr");
  line.append(element("td", hit.name), element("td", hit.kind), element("td", hit.id));
  const asks = document.createElement("td");
  for (const [example, title] of LINKS[hit.kind] || [["neighbourhood", "what it is tied to 关联"]]) {
    const where = new URLSearchParams({ example, id: hit.id, kind: hit.kind });
    if (asks.childNodes.length) asks.append(" · ");
    asks.append(element("a", title, `/graphql?${where}`));
  }
  line.append(asks);
  return line;
}

async function answered(query, variables) {
  const answer = await ask(query, variables);
  if (answer.errors) throw new Error(answer.errors[0].message);
  return answer.data;
}

async function find(event) {
  event.preventDefault();
  const found = at("found");
  const variables = { text: at("text").value };
  found.replaceChildren(element("p", "…"));
  try {
    const hits = (await answered(SEARCH, variables)).search.results;
    const table = document.createElement("table");
    table.append(...hits.map(row));
    found.replaceChildren(hits.length ? table : element("p", "nothing has this name 未找到"));
  } catch (error) {
    found.replaceChildren(element("p", error.message));
  }
}

function item({ kind, nodes }) {
  const line = element("li", kind);
  line.append(element("b", nodes.toLocaleString("en")));
  return line;
}

async function show() {
  at("counts").replaceChildren();
  try {
    const { about } = await answered(ABOUT, {});
    const snapshot = about.snapshot || "not built yet";
    at("about").textContent = `Snapshot ${snapshot}, as of ${about.asOf || "-"}; ` +
      `scores by ${about.model || "nobody yet"}; you see ${about.clearance}.`;
    const { counts } = await answered(COUNTS, {});
    at("counts").replaceChildren(...counts.filter((one) => one.nodes).map(item));
  } catch (error) {
    (at("about").textContent ? at("counts") : at("about")).append(error.message);
  }
}

at("find").addEventListener("submit", find);
at("token").addEventListener("change", () => { at("about").textContent = ""; show(); });
show();
