/** The versions of this program and of the BuildStream that it takes after. */
import manifest from "../../package.json" with { type: "json" };

export const VERSION: string = manifest.version;

/** What `min-version` is compared with, and what artifacts and caches are compatible with. */
export const BUILDSTREAM_VERSION = "2.8.1";
