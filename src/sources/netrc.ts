/** Credentials by host, from the user's .netrc file. */
import fs from "node:fs";
import { homedir } from "node:os";
import { systemErrorCode } from "../base/errors.ts";

export interface Credentials {
  readonly login: string;
  readonly password: string;
}

/** The file is unsafe or malformed: the message is for a warning. */
export class NetrcError extends Error {
  override readonly name = "NetrcError";
}

export class Netrc {
  static readonly empty = new Netrc(new Map(), undefined);
  readonly #hosts: ReadonlyMap<string, Credentials>;
  readonly #others: Credentials | undefined;

  private constructor(hosts: ReadonlyMap<string, Credentials>, others: Credentials | undefined) {
    this.#hosts = hosts;
    this.#others = others;
  }

  /** Of a host, or the file's `default`. */
  find(host: string): Credentials | undefined {
    return this.#hosts.get(host) ?? this.#others;
  }

  /** `~/.netrc`; empty where there is none. Throws {@link NetrcError}. */
  static load(): Netrc {
    const { HOME = homedir() } = process.env;
    const path = `${HOME}/.netrc`;
    let content: string;
    let stat: fs.Stats;
    try {
      content = fs.readFileSync(path, "utf8");
      stat = fs.statSync(path);
    } catch (error) {
      if (systemErrorCode(error) !== undefined) return Netrc.empty;
      throw error;
    }
    const parsed = Netrc.parse(content);
    const secrets = [...parsed.#hosts.values(), ...(parsed.#others === undefined ? [] : [parsed.#others])];
    if (secrets.some(({ login }) => login !== "anonymous")) {
      if (process.getuid !== undefined && stat.uid !== process.getuid()) {
        throw new NetrcError(`${path} belongs to another user`);
      }
      if ((stat.mode & 0o077) !== 0) throw new NetrcError(`${path} can be read by other users: run chmod 600 on it`);
    }
    return parsed;
  }

  static parse(content: string): Netrc {
    const hosts = new Map<string, Credentials>();
    let others: Credentials | undefined;
    const tokens = tokenize(content);
    const value = (keyword: string) => {
      const token = tokens.next();
      if (token.done === true) throw new NetrcError(`.netrc ends after '${keyword}'`);
      return token.value;
    };
    let entry: { login: string; password: string } | undefined;
    for (let token = tokens.next(); token.done !== true; token = tokens.next()) {
      const keyword = token.value;
      if (keyword === "machine" || keyword === "default") {
        entry = { login: "", password: "" };
        if (keyword === "default") others = entry;
        else hosts.set(value(keyword), entry);
      } else if (entry === undefined) {
        throw new NetrcError(`.netrc has '${keyword}' where 'machine' or 'default' should be`);
      } else if (keyword === "login" || keyword === "user") {
        entry.login = value(keyword);
      } else if (keyword === "password") {
        entry.password = value(keyword);
      } else if (keyword === "account") {
        value(keyword);
      } else {
        throw new NetrcError(`.netrc has the unknown keyword '${keyword}'`);
      }
    }
    return new Netrc(hosts, others);
  }
}

/** Words, some of them in quotes; comments and macros are left out. A macro ends at an empty line. */
function* tokenize(content: string): Generator<string> {
  const token = /\s+|#[^\n]*|macdef[ \t][\s\S]*?(?:\n[ \t]*(?=\n)|$(?![\s\S]))|"((?:[^"\\]|\\[\s\S])*)"|(\S+)/y;
  for (let match = token.exec(content); match !== null; match = token.exec(content)) {
    const [, quoted, word] = match;
    const found = quoted ?? word;
    if (found !== undefined) yield found.replace(/\\([\s\S])/g, "$1");
  }
}
