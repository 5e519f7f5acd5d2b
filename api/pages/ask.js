"use strict";
// Asking the service, under the token that was typed, if any.

const at = (name) => document.getElementById(name);

async function ask(query, variables) {
  const headers = { "Content-Type": "application/json" };
  if (at("token").value) headers.Authorization = `Bearer ${at("token").value}`;
  const body = JSON.stringify({ query, variables });
  return (await fetch("/graphql", { method: "POST", headers, body })).json();
}
