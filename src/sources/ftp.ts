/** Reads one file from an FTP server, in passive mode. */
import net from "node:net";
import type { Netrc } from "./netrc.ts";

const TIMEOUT_MS = 600_000;

/** The content of the file that a URL names. Login and password are the URL's, else .netrc's, else anonymous. */
export async function* ftpRead(url: URL, netrc: Netrc, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const known = url.username === "" ? netrc.find(host) : undefined;
  const login = known?.login ?? (decodeURIComponent(url.username) || "anonymous");
  const password = known?.password ?? (decodeURIComponent(url.password) || (url.username === "" ? "anonymous@" : ""));
  const control = new Control(host, Number(url.port || 21), signal);
  try {
    await control.expect("2");
    if ((await control.command(`USER ${login}`, "23")).startsWith("3")) await control.command(`PASS ${password}`, "2");
    await control.command("TYPE I", "2");
    const path = decodeURIComponent(url.pathname).slice(1);
    const data = connect(host, await passivePort(control), signal);
    try {
      await control.command(`RETR ${path}`, "1");
      yield* data;
    } finally {
      data.destroy();
    }
    // Only this reply tells a whole file from one that broke off.
    await control.expect("2");
    control.send("QUIT");
  } finally {
    control.close();
  }
}

async function passivePort(control: Control): Promise<number> {
  const extended = /\(\|\|\|(\d+)\|\)/.exec(await control.command("EPSV", "25"));
  if (extended !== null) return Number(extended[1]);
  // The address that an old server tells is not trusted: the file comes from the host that was asked.
  const numbers = /(\d+),(\d+)\)?\D*$/.exec(await control.command("PASV", "2"));
  if (numbers === null) throw new Error("the FTP server offers no passive mode");
  return Number(numbers[1]) * 256 + Number(numbers[2]);
}

function connect(host: string, port: number, signal: AbortSignal): net.Socket {
  const socket = net.connect({ host, port, signal });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("the FTP server does not answer")));
  return socket;
}

/** The connection that commands and replies go over. */
class Control {
  readonly #socket: net.Socket;
  readonly #lines: AsyncIterator<string>;

  constructor(host: string, port: number, signal: AbortSignal) {
    this.#socket = connect(host, port, signal);
    this.#lines = lines(this.#socket);
  }

  send(line: string): void {
    if (/[\r\n\0]/.test(line)) throw new Error("an FTP path or login has a line break in it");
    this.#socket.write(`${line}\r\n`);
  }

  async command(line: string, accepted: string): Promise<string> {
    this.send(line);
    return await this.expect(accepted);
  }

  /** The last line of the next reply, whose code must begin with one of the digits `accepted`. */
  async expect(accepted: string): Promise<string> {
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done === true) throw new Error("the FTP server closed the connection");
      if (!/^\d{3}( |$)/.test(value)) continue;
      if (!accepted.includes(value.charAt(0))) throw new Error(`the FTP server answered: ${value}`);
      return value;
    }
  }

  close(): void {
    this.#socket.end();
    this.#socket.destroySoon();
  }
}

async function* lines(socket: net.Socket): AsyncGenerator<string> {
  let text = "";
  for await (const chunk of socket) {
    text += chunk.toString("utf8");
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end).replace(/\r$/, "");
      text = text.slice(end + 1);
    }
  }
}
