/** A graph as text that other programs draw: Graphviz' dot, Mermaid, JSON. */
import type { Graph, GraphEdge, GraphNode } from "./graph.ts";

/** Digits of a key in pictures. */
const BRIEF = 8;

/** Solid edges are needed to build, dashed ones only to run; bold ones are strict. */
export function graphAsDot({ project, nodes, edges }: Graph): string {
  const lines = [
    `digraph ${dotText(project)} {`,
    "  rankdir=LR;",
    '  node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif", fontsize=10];',
  ];
  for (const node of nodes) {
    const label = `${dotText(node.name).slice(0, -1)}\\n${dotText(facts(node)).slice(1)}`;
    const attributes = [
      `label=${label}`,
      `fillcolor=${dotText(colour(node.state))}`,
      ...(node.isTarget ? ["penwidth=2"] : []),
    ];
    lines.push(`  ${dotText(node.name)} [${attributes.join(", ")}];`);
  }
  for (const edge of edges) {
    const attributes = [...(edge.build ? [] : ["style=dashed"]), ...(edge.strict ? ["penwidth=2"] : [])];
    attributes.push(`tooltip=${dotText(edgeWords(edge))}`);
    lines.push(`  ${dotText(edge.from)} -> ${dotText(edge.to)} [${attributes.join(", ")}];`);
  }
  return `${lines.join("\n")}\n}`;
}

/** In a dot string only quotes and what looks like an escape mean something. */
function dotText(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

/** Solid edges are needed to build, dotted ones only to run, thick ones are strict. */
export function graphAsMermaid({ nodes, edges }: Graph): string {
  const ids = new Map(nodes.map(({ name }, index) => [name, `n${index}`]));
  const lines = ["flowchart LR"];
  for (const node of nodes) {
    lines.push(`  ${ids.get(node.name)}["${mermaidText(node.name)}<br/>${mermaidText(facts(node))}"]`);
  }
  for (const edge of edges) {
    const arrow = edge.strict ? "==>" : edge.build ? "-->" : "-.->";
    lines.push(`  ${ids.get(edge.from)} ${arrow} ${ids.get(edge.to)}`);
  }
  return lines.join("\n");
}

/** Mermaid has no escapes but entities, written with `#`. */
function mermaidText(text: string): string {
  return text.replace(/[^\p{L}\p{N} ._/:+-]/gu, (character) => `#${character.codePointAt(0)};`);
}

export function graphAsJson({ project, nodes, edges }: Graph): string {
  const data = {
    project,
    nodes: nodes.map(({ isTarget, key, ...node }) => ({ ...node, key: key ?? null, target: isTarget })),
    edges,
  };
  return JSON.stringify(data, undefined, 2);
}

function facts({ kind, key, state }: GraphNode): string {
  return `${kind} ${key?.slice(0, BRIEF) ?? "no key"} ${state}`;
}

function edgeWords({ build, runtime, strict }: GraphEdge): string {
  const words = [...(build ? ["build"] : []), ...(runtime ? ["run"] : []), ...(strict ? ["strict"] : [])];
  return words.join(", ");
}

function colour(state: string): string {
  switch (state) {
    case "cached":
      return "#d9f2d9";
    case "failed":
      return "#f7d4d4";
    case "buildable":
    case "waiting":
      return "#fdf3d0";
    default:
      return "#eeeeee";
  }
}
