/** The list of images that `docker save` writes beside them. */
import { asArray, asObject, type JsonObject, parseJson } from "../json.ts";
import { MAX_MANIFEST } from "../manifest.ts";
import { type ImageFiles, readFile } from "./files.ts";

export const DOCKER_INDEX = "manifest.json";

/** @throws BstError domain element */
export async function readDockerIndex(files: ImageFiles): Promise<readonly JsonObject[]> {
  const bytes = await readFile(files, DOCKER_INDEX, MAX_MANIFEST);
  const name = `${DOCKER_INDEX} of ${files.name}`;
  return asArray(parseJson(bytes, name), name).map((image) => asObject(image, name));
}

export function tagsOf(image: JsonObject): string[] {
  const tags = image["RepoTags"];
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [];
}

/** Names of all images. */
export async function dockerTags(files: ImageFiles): Promise<readonly string[]> {
  return (await readDockerIndex(files)).flatMap(tagsOf);
}
