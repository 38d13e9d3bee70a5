/** A graph as a web page that needs nothing else: search, and for each element what it needs and what needs it. */
import type { Graph } from "./graph.ts";

export function graphAsPage({ project, nodes, edges }: Graph): string {
  const places = new Map(nodes.map(({ name }, place) => [name, place]));
  const data = {
    nodes: nodes.map(({ name, kind, description, key, state, isTarget }) => [
      name,
      kind,
      key ?? "",
      state,
      description,
      isTarget ? 1 : 0,
    ]),
    // 1 to build, 2 to run, 4 strict.
    edges: edges.map(({ from, to, build, runtime, strict }) => [
      places.get(from),
      places.get(to),
      (build ? 1 : 0) + (runtime ? 2 : 0) + (strict ? 4 : 0),
    ]),
  };
  const title = markup(`Elements of ${project}`);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${title}</h1><input id="search" type="search" placeholder="name, kind, state, key; several words" autofocus><span id="count"></span></header>
<main><nav id="list"></nav><article><svg id="map" role="img"></svg><div id="about"></div></article></main>
<script type="application/json" id="data">${JSON.stringify(data).replaceAll("<", "\\u003c")}</script>
<script>${SCRIPT}</script>
</body>
</html>`;
}

function markup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE = `
*{box-sizing:border-box}body{margin:0;font:14px/1.4 system-ui,sans-serif;color:#222;display:flex;flex-direction:column;height:100vh}
header{display:flex;gap:1em;align-items:center;padding:.5em 1em;border-bottom:1px solid #ccc}h1{font-size:1em;margin:0}
#search{flex:1;max-width:30em;font:inherit;padding:.2em .5em}main{flex:1;display:flex;min-height:0}
nav{width:24em;overflow:auto;border-right:1px solid #ccc;padding:.5em}article{flex:1;overflow:auto;padding:1em;min-width:0}
.e{display:block;width:100%;border:0;background:none;font:inherit;text-align:left;padding:.1em .3em;cursor:pointer;overflow-wrap:anywhere}
.e:hover,.e.on{background:#e3edfb}.e small{color:#777}svg{display:block;width:100%;border:1px solid #ddd;margin-bottom:1em;background:#fcfcfc}
.lists{display:grid;grid-template-columns:repeat(auto-fit,minmax(20em,1fr));gap:1em}h2{margin:.2em 0;overflow-wrap:anywhere}h3{margin:.3em 0;font-size:1em}
code{color:#555}circle{cursor:pointer}p{margin:.3em 0}
`;

/** Runs in the page. Text reaches it as text, and never as markup. */
const SCRIPT = String.raw`
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const nodes = data.nodes.map(([name, kind, key, state, description, target], id) => ({
  id, name, kind, key, state, description, target, needs: [], neededBy: [], depth: 0,
}));
for (const [from, to, type] of data.edges) {
  nodes[from].needs.push({ node: nodes[to], type });
  nodes[to].neededBy.push({ node: nodes[from], type });
}
// Each stands behind all that it needs: one more than the longest way down.
for (const node of nodes) for (const { node: below } of node.needs) node.depth = Math.max(node.depth, below.depth + 1);

const colours = { cached: "#3a9a3a", failed: "#d03030", buildable: "#d99a00", waiting: "#d99a00" };
const colourOf = (node) => colours[node.state] || "#888";
const $ = (id) => document.getElementById(id);
const make = (tag, text, name) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
};
const makeSvg = (tag, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name in attributes) made.setAttribute(name, attributes[name]);
  return made;
};

function row(node, note) {
  const button = make("button", node.name + " ", "e");
  button.append(make("small", note));
  button.addEventListener("click", () => select(node));
  return button;
}

const rows = nodes.map((node) => row(node, node.kind + (node.target ? ", target" : "")));
$("list").append(...rows);

function search() {
  const words = $("search").value.toLowerCase().split(/\s+/);
  let count = 0;
  nodes.forEach((node, id) => {
    const text = [node.name, node.kind, node.state, node.key, node.description].join(" ").toLowerCase();
    const found = words.every((word) => text.includes(word));
    rows[id].hidden = !found;
    dots[id].setAttribute("opacity", found ? 1 : 0.12);
    if (found) count++;
  });
  $("count").textContent = count + " of " + nodes.length;
}

// The map: a column for each depth, what is needed at the left.
const columns = [];
for (const node of nodes) (columns[node.depth] = columns[node.depth] || []).push(node);
const tallest = Math.max(1, ...columns.map((column) => column.length));
const step = Math.max(3, Math.min(16, 560 / tallest));
const wide = Math.max(14, Math.min(120, 1100 / Math.max(1, columns.length)));
for (const column of columns) column.forEach((node, i) => {
  node.x = wide * (node.depth + 0.5);
  node.y = step * (i + 0.5 + (tallest - column.length) / 2);
});
const map = $("map");
map.setAttribute("viewBox", [0, 0, wide * Math.max(1, columns.length), step * tallest].join(" "));
map.setAttribute("style", "max-height:60vh");
const lines = makeSvg("g", { fill: "none" });
map.append(lines);
const dots = nodes.map((node) => {
  const dot = makeSvg("circle", { cx: node.x, cy: node.y, r: Math.min(5, step * 0.45), fill: colourOf(node) });
  const title = makeSvg("title", {});
  title.textContent = node.name;
  dot.append(title);
  dot.addEventListener("click", () => select(node));
  map.append(dot);
  return dot;
});

/** All that can be reached, each with the one that it was reached from. */
function reach(start, field) {
  const from = new Map([[start, undefined]]);
  for (const node of from.keys()) for (const { node: next } of node[field]) if (!from.has(next)) from.set(next, node);
  return from;
}

function draw(from, colour, reversed) {
  for (const [node, before] of from) {
    if (!before) continue;
    const [a, b] = reversed ? [before, node] : [node, before];
    const middle = (a.x + b.x) / 2;
    const d = "M" + a.x + " " + a.y + "C" + middle + " " + a.y + " " + middle + " " + b.y + " " + b.x + " " + b.y;
    lines.append(makeSvg("path", { d, stroke: colour, "stroke-width": 0.8 }));
  }
}

function words(type) {
  return [type & 1 ? "build" : "", type & 2 ? "run" : "", type & 4 ? "strict" : ""].filter(Boolean).join(", ");
}

function list(title, edges) {
  const part = make("section");
  part.append(make("h3", title + " (" + edges.length + ")"), ...edges.map(({ node, type }) => row(node, words(type))));
  return part;
}

function select(node) {
  rows.forEach((each, id) => { each.className = id === node.id ? "e on" : "e"; });
  dots.forEach((dot, id) => { dot.setAttribute("stroke", id === node.id ? "#000" : "none"); });
  const below = reach(node, "needs");
  const above = reach(node, "neededBy");
  lines.replaceChildren();
  draw(below, "#2b6cb0", false);
  draw(above, "#b0662b", true);
  const about = $("about");
  about.replaceChildren(make("h2", node.name), make("p", node.kind + ", " + node.state + (node.target ? ", target" : "")));
  about.append(make("code", node.key || "no key"), make("p", node.description));
  const counts = below.size - 1 + " elements below it, " + (above.size - 1) + " above it";
  about.append(make("p", counts));
  const target = nodes.find((each) => each.target && each !== node && above.has(each));
  if (target) {
    const way = [];
    for (let each = target; each; each = above.get(each)) way.push(each);
    const part = make("section");
    part.append(make("h3", "Why it is here"), ...way.map((each) => row(each, each.kind)));
    about.append(part);
  }
  const both = make("div", undefined, "lists");
  both.append(list("Needs", node.needs), list("Is needed by", node.neededBy));
  about.append(both);
  location.hash = encodeURIComponent(node.name);
}

$("search").addEventListener("input", search);
search();
const wanted = decodeURIComponent(location.hash.slice(1));
const first = nodes.find((node) => node.name === wanted) || nodes.find((node) => node.target) || nodes[0];
if (first) select(first);
`;
