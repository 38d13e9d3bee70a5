/** An image's configuration as the instructions of a Dockerfile that would give it. */
import { asArray, asObject, asString, invalidImage, type JsonObject } from "./json.ts";

/**
 * @param config what the image's configuration has as JSON
 * @param from the image to begin with
 * @throws BstError domain element, reason oci-invalid-image, for what is no configuration; not-in-dockerfile for a text
 *   with the end of a line in it
 */
export function dockerfile(config: JsonObject, from: string): string {
  const container = config["config"] === undefined ? {} : asObject(config["config"], "The container's configuration");
  return [`FROM ${from}`, ...instructions(container)].map((line) => `${line}\n`).join("");
}

function* instructions(container: JsonObject): Generator<string> {
  const text = (key: string) => {
    const value = container[key];
    return value === undefined || value === null || value === "" ? undefined : asString(value, key);
  };
  const list = (key: string) => asArray(container[key] ?? [], key).map((item) => asString(item, key));
  const set = (key: string) => Object.keys(asObject(container[key] ?? {}, key));

  for (const [name, value] of Object.entries(asObject(container["Labels"] ?? {}, "Labels")))
    yield `LABEL ${quote(name)}=${quote(asString(value, name))}`;
  for (const assignment of list("Env")) {
    const [name = "", ...value] = assignment.split("=");
    yield `ENV ${name}=${quote(value.join("="))}`;
  }
  for (const port of set("ExposedPorts")) yield `EXPOSE ${plain(port)}`;
  const volumes = set("Volumes");
  if (volumes.length > 0) yield `VOLUME ${JSON.stringify(volumes)}`;
  const [directory, user, signal] = [text("WorkingDir"), text("User"), text("StopSignal")];
  if (directory !== undefined) yield `WORKDIR ${plain(directory)}`;
  if (user !== undefined) yield `USER ${plain(user)}`;
  if (signal !== undefined) yield `STOPSIGNAL ${plain(signal)}`;
  if (container["Healthcheck"] !== undefined) yield healthcheck(asObject(container["Healthcheck"], "Healthcheck"));
  // An entry point comes first, since it makes builders forget the command.
  if (container["Entrypoint"] !== undefined) yield `ENTRYPOINT ${JSON.stringify(list("Entrypoint"))}`;
  if (container["Cmd"] !== undefined) yield `CMD ${JSON.stringify(list("Cmd"))}`;
}

function healthcheck(check: JsonObject): string {
  const [kind, ...command] = asArray(check["Test"] ?? [], "Test").map((item) => asString(item, "Test"));
  if (kind === "NONE") return "HEALTHCHECK NONE";
  const duration = (option: string, key: string) => (check[key] ? [`--${option}=${Number(check[key])}ns`] : []);
  const options = [
    ...duration("interval", "Interval"),
    ...duration("timeout", "Timeout"),
    ...(check["Retries"] ? [`--retries=${Number(check["Retries"])}`] : []),
  ];
  const test = kind === "CMD-SHELL" ? shellCommand(command.join(" ")) : JSON.stringify(command);
  return ["HEALTHCHECK", ...options, "CMD", test].join(" ");
}

/** In such quotes, builders replace variables and take backslashes for escapes. */
function quote(text: string): string {
  return `"${oneLine(text).replace(/["\\$]/g, "\\$&")}"`;
}

/** Builders hand it to the shell as it is, apart from what would join it to the next line. */
function shellCommand(text: string): string {
  if (!/\\\s*$/.test(text)) return oneLine(text);
  throw invalidImage(`A Dockerfile can't hold a command that ends with a backslash: ${JSON.stringify(text)}`);
}

function plain(text: string): string {
  return oneLine(text).replace(/[\\$]/g, "\\$&");
}

function oneLine(text: string): string {
  if (!/[\r\n]/.test(text)) return text;
  throw invalidImage(`A Dockerfile can't hold a text with the end of a line in it: ${JSON.stringify(text)}`);
}
