/** What is printed before the scheduler runs: settings, projects, and the pipeline. */
import type { PipelineStarted, ProjectHeading } from "../base/messages.ts";
import { BUILDSTREAM_VERSION } from "../base/version.ts";
import { parseElementFormat } from "./elementformat.ts";
import { formatList, formatValues, INDENT } from "./layout.ts";
import type { LogSettings } from "./settings.ts";
import type { Styles } from "./style.ts";
import { formatDate } from "./time.ts";

export function formatHeading(
  event: PipelineStarted,
  settings: LogSettings,
  styles: Styles,
  colors: boolean,
  now = new Date(),
): string {
  const { project, targets, configuration, remoteExecution } = event;
  const session: [string, string][] = [["Session Start", formatDate(now)]];
  if (project) session.push(["Project", `${project.name} (${project.directory})`]);
  session.push(["Targets", targets.join(", ")]);

  const sections = [
    styles.heading(`BuildStream Version ${BUILDSTREAM_VERSION}`),
    `\n${formatValues(session, styles)}\n`,
    styles.heading("User Configuration"),
    `\n${formatValues(Object.entries(configuration), styles)}`,
  ];
  if (remoteExecution) {
    sections.push(`\n${styles.heading("Remote Execution Configuration")}\n`);
    sections.push(formatValues(Object.entries(remoteExecution), styles));
  }
  sections.push("\n", ...event.projects.map((loaded) => formatProject(loaded, styles)));

  const format = parseElementFormat(settings.elementFormat);
  const elements = event.elements.map((element) => format.render(element, colors)).join("\n");
  sections.push(`${styles.heading("Pipeline")}\n${elements}\n${styles.frame("=".repeat(79))}\n`);
  return `\n${sections.join("")}`;
}

function formatProject(project: ProjectHeading, styles: Styles): string {
  const facts: [string, string][] = [];
  if (project.junction) facts.push(["Junction path", project.junction]);
  if (project.provenance) facts.push(["Loaded by", project.provenance]);

  const declared = (how: string, places: readonly string[] | undefined) =>
    places?.length
      ? styles.frame(`${INDENT}Declared ${how} by:\n`) +
        places.map((place) => styles.content(`${INDENT}${INDENT}${place}\n`)).join("")
      : "";
  const section = (title: string, body: string) => (body === "" ? "" : `${styles.frame(INDENT + title)}\n${body}\n`);
  const values = (entries: Readonly<Record<string, string>> | undefined, labelAsContent: boolean) =>
    formatValues(Object.entries(entries ?? {}), styles, { depth: 2, labelAsContent });

  return [
    `${styles.heading("Project: ")}${styles.heading(project.name)}\n`,
    formatValues(facts, styles),
    declared("duplicate", project.duplicates),
    declared("internal", project.internal),
    "\n",
    section("Project Options", values(project.options, false)),
    section("Element Plugins", values(project.elementPlugins, true)),
    section("Source Plugins", values(project.sourcePlugins, true)),
    section("Artifact cache servers", formatList(project.artifactCaches ?? [], styles, 2)),
    section("Source cache servers", formatList(project.sourceCaches ?? [], styles, 2)),
  ].join("");
}
