/** Small servers on the loopback interface to download from. */
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** Serves until the test is over. @returns its URL, and what it was asked */
export async function serveHttp(
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => void,
): Promise<{ readonly url: string; readonly requests: http.IncomingMessage[] }> {
  const requests: http.IncomingMessage[] = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

export interface FtpOptions {
  readonly user: string;
  readonly password: string;
  readonly files: Readonly<Record<string, Buffer>>;
  /** Whether it only knows the older command for passive mode. */
  readonly old?: boolean;
  /** Ends each transfer with this reply. */
  readonly end?: string;
}

/** @returns `host:port` */
export async function serveFtp({ user, password, files, old, end = "226 Done" }: FtpOptions): Promise<string> {
  const servers: net.Server[] = [];
  const listen = async (onConnect: (socket: net.Socket) => void) => {
    const server = net.createServer(onConnect);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  };
  onTestFinished(() => {
    for (const server of servers) server.close();
  });

  const port = await listen((control) => {
    let data: Promise<net.Socket> | undefined;
    let name = "";
    const say = (line: string) => control.write(`${line}\r\n`);
    const passive = async () => {
      let accept = (_socket: net.Socket) => {};
      data = new Promise((resolve) => {
        accept = resolve;
      });
      return await listen((socket) => accept(socket));
    };
    const commands: Record<string, (argument: string) => Promise<unknown> | unknown> = {
      USER: (argument) => {
        name = argument;
        say("331 Password?");
      },
      PASS: (argument) => say(name === user && argument === password ? "230 Welcome" : "530 No"),
      TYPE: () => say("200 Yes"),
      EPSV: async () => (old ? say("500 What?") : say(`229 Here (|||${await passive()}|)`)),
      PASV: async () => {
        const at = await passive();
        say(`227 Here (127,0,0,1,${at >> 8},${at & 255})`);
      },
      RETR: async (argument) => {
        const content = files[argument];
        if (content === undefined) return say("550 No such file");
        say("150-Two lines\r\n150 Now");
        (await data)?.end(content, () => say(end));
      },
    };
    control.on("error", () => {});
    say("220 Hello");
    control.on("data", (chunk) => {
      const [, verb = "", argument = ""] = /^(\S+) ?(.*)\r\n$/.exec(chunk.toString()) ?? [];
      commands[verb]?.(argument);
    });
  });
  return `127.0.0.1:${port}`;
}
