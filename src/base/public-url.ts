/** URLs as they may be told to anybody: without what lets one in. */

const SECRET = /token|secret|passw|signature|credential|^sig$|^auth|api_?key/i;
/** `user@host:path`, as ssh has it. */
const SCP = /^(?:([^@/:]+)@)?([^@/:]+\.[^@/:]+|localhost):(?!\/\/)(.+)$/;

/**
 * The URL without user names, passwords, and parameters that are named like secrets. What ssh calls `user@host:path` becomes
 * a URL; of its users only `git` stays, which is nobody.
 */
export function publicUrl(url: string): string {
  const scp = SCP.exec(url);
  const given = scp === null ? url : `ssh://${scp[1] === undefined ? "" : `${scp[1]}@`}${scp[2]}/${scp[3]}`;
  let parsed: URL;
  try {
    parsed = new URL(given);
  } catch {
    return given.replace(/\/\/[^/]*@/, "//");
  }
  const secrets = [...parsed.searchParams.keys()].filter((name) => SECRET.test(name));
  const isNobody = parsed.protocol.includes("ssh") && parsed.username === "git" && parsed.password === "";
  if (secrets.length === 0 && parsed.username === "" && parsed.password === "") return given;
  if (secrets.length === 0 && isNobody) return given;
  for (const name of secrets) parsed.searchParams.delete(name);
  parsed.password = "";
  if (!isNobody) parsed.username = "";
  return parsed.href;
}
