import type { Server } from "node:http";

/** A server, not listening yet, of the files below a folder. */
export function createServer(folder: string): Server;
