"use strict";
// The search box of the front page.

const QUERY = `query Search($text: String!) {
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

async function find(event) {
  event.preventDefault();
  const found = document.getElementById("found");
  const variables = { text: document.getElementById("text").value };
  found.replaceChildren(element("p", "…"));
  try {
    const reply = await fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ query: QUERY, variables }),
    });
    const answer = await reply.json();
    if (answer.errors) throw new Error(answer.errors[0].message);
    const hits = answer.data.search.results;
    const table = document.createElement("table");
    table.append(...hits.map(row));
    found.replaceChildren(hits.length ? table : element("p", "nothing has this name 未找到"));
  } catch (error) {
    found.replaceChildren(element("p", error.message));
  }
}

document.getElementById("find").addEventListener("submit", find);
