// Serves the files below a folder over HTTP.
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { contentType } from "./types.mjs";

const VERSION = "@VERSION@";
const started = Date.now();

/** The file that a URL names; undefined for URLs that no file can have. */
function fileFor(folder, url) {
  let name;
  try {
    name = decodeURIComponent(new URL(url, "http://localhost").pathname);
  } catch {
    return undefined;
  }
  if (name.includes("\0")) return undefined;
  // The URL's own dots are resolved by now; what is left of them was encoded.
  const file = path.join(folder, path.posix.normalize(name));
  return name.endsWith("/") ? path.join(file, "index.html") : file;
}

function answer(response, status, text) {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}

function health(response) {
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify({ status: "ok", version: VERSION, uptime: (Date.now() - started) / 1000 })}\n`);
}

function serve(folder, request, response) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    answer(response, 405, "Only GET and HEAD");
    return;
  }
  if (request.url === "/healthz") {
    health(response);
    return;
  }
  const file = fileFor(folder, request.url);
  fs.stat(file ?? "", (error, stat) => {
    if (error || !stat.isFile()) {
      answer(response, 404, "Not found");
      return;
    }
    // Files of an image all have the same time, so that it takes the size as well to tell two apart.
    const etag = `"${stat.size.toString(16)}-${Math.trunc(stat.mtimeMs).toString(16)}"`;
    const headers = { etag, "content-type": contentType(file), "content-length": stat.size };
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304, { etag });
      response.end();
      return;
    }
    response.writeHead(200, headers);
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    fs.createReadStream(file)
      .on("error", () => response.destroy())
      .pipe(response);
  });
}

export function createServer(folder) {
  return http.createServer((request, response) => serve(folder, request, response));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = path.resolve(process.argv[2] ?? ".");
  const server = createServer(folder);
  server.listen(Number(process.env.PORT ?? 8080), () => {
    console.log(`${folder} is served on port ${server.address().port}`);
  });
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => {
      server.close(() => process.exit(0));
      server.closeIdleConnections();
    });
  }
}
