/** Stands before a registry on the loopback interface, passes on whole requests as nginx does, and counts bytes of blobs. */
import http, { type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export class CountingProxy {
  /** Bytes of blobs that the registry got. */
  sent = 0;
  /** Bytes of blobs that came from it. */
  received = 0;
  /** `METHOD path` of each request. */
  readonly requests: string[] = [];
  /** Methods of requests that were not passed on. */
  readonly held: string[] = [];
  /** Whether to pass nothing on any more, requests and answers; asked before each. */
  holds: (proxy: CountingProxy) => boolean = () => false;
  readonly #registry: string;
  /** How often counting began: what was asked before counts no more. */
  #round = 0;
  #host = "";

  private constructor(registry: string) {
    this.#registry = registry;
  }

  /** Serves until the test is over. @param registry its host */
  static async serve(registry: string): Promise<CountingProxy> {
    const proxy = new CountingProxy(registry);
    const server = http.createServer((request, response) => {
      const { method = "", url = "", headers } = request;
      const chunks: Buffer[] = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => proxy.#pass(method, url, headers, Buffer.concat(chunks), response));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    proxy.#host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    return proxy;
  }

  get host(): string {
    return this.#host;
  }

  /** Counts from here on. */
  reset(): void {
    this.#round++;
    this.sent = 0;
    this.received = 0;
    this.held.length = 0;
    this.requests.length = 0;
    this.holds = () => false;
  }

  #pass(method: string, url: string, headers: IncomingHttpHeaders, body: Buffer, response: ServerResponse): void {
    if (this.holds(this)) {
      this.held.push(method);
      return;
    }
    this.requests.push(`${method} ${url}`);
    const round = this.#round;
    const counts = () => url.includes("/blobs/") && round === this.#round;
    const ask = http.request(`http://${this.#registry}${url}`, { method, headers }, (answer) => {
      if (counts() && (answer.statusCode ?? 500) < 300) this.sent += body.length;
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.on("data", (chunk: Buffer) => {
        if (counts()) this.received += chunk.length;
        if (!this.holds(this)) response.write(chunk);
      });
      answer.on("end", () => response.end());
    });
    ask.end(body);
  }
}
