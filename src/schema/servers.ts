/** The schemas of servers, in project.conf and in the user configuration. */
import { bool, oneOf, record, text } from "../base/schema.ts";

const connection = {
  url: text,
  "instance-name": text,
  auth: record({
    "server-cert": text,
    "client-key": text,
    "client-cert": text,
    "access-token": text,
    "access-token-reload-interval": text,
  }),
  "connection-config": record({
    "keepalive-time": text,
    "retry-limit": text,
    "retry-delay": text,
    "request-timeout": text,
  }),
};

export const cacheServer = record({ ...connection, push: bool, type: oneOf("index", "storage", "all") });
export const service = record(connection);
export const actionCache = record({ ...connection, push: bool });
