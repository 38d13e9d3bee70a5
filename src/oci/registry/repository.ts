/** What can be done in one repository of a registry: manifests and blobs, there and back. */
import { type Content, type Descriptor, describeBytes, digestText, readDescriptor } from "../descriptor.ts";
import { ACCEPTED, MAX_MANIFEST, manifestType, parse } from "../manifest.ts";
import type { Purpose } from "./credentials.ts";
import { mismatch } from "./errors.ts";
import { describe, isLostConnection, type Opened } from "./http.ts";
import { LONG_MS, waitBefore } from "./pauses.ts";
import { type ImageReference, isDigest } from "./reference.ts";
import { addReferrer, listReferrers } from "./referrers.ts";
import { type RegistryOptions, RegistrySession } from "./session.ts";
import { type UploadOptions, type UploadOutcome, uploadBlob } from "./upload.ts";

export class Repository {
  readonly #session: RegistrySession;

  /** @param place `host` may also be a URL */
  constructor(place: Pick<ImageReference, "host" | "repository">, purpose: Purpose, options: RegistryOptions) {
    this.#session = new RegistrySession(place.host, place.repository, purpose, options);
  }

  get host(): string {
    return this.#session.host;
  }

  get name(): string {
    return this.#session.repository;
  }

  /**
   * The manifest or index under a tag or digest.
   * @throws BstError domain remote; domain element for bytes that are none
   */
  async manifest(reference: string): Promise<Content> {
    const ask = { method: "GET", at: `manifests/${reference}`, headers: { accept: ACCEPTED }, ok: [200] } as const;
    const answer = await this.#session.ask(ask, MAX_MANIFEST);
    const bytes = answer.body;
    const digest = digestText(bytes);
    const place = `${this.host}/${this.name}${isDigest(reference) ? "@" : ":"}${reference}`;
    const claimed = isDigest(reference) ? reference : answer.header("docker-content-digest");
    if (claimed?.startsWith("sha256:") && claimed !== digest) {
      throw mismatch(`${place} has a manifest of another digest than ${claimed}`, `Its digest is ${digest}.`);
    }
    const given = answer.header("content-type")?.split(";")[0]?.trim();
    if (given === "text/html") {
      throw mismatch(
        `What answers at ${this.host} is no registry, or not at once`,
        "It sent a page for people to read.",
      );
    }
    return {
      descriptor: describeBytes(manifestType(bytes, given, place), bytes),
      bytes,
    };
  }

  /** The digest under a tag, without what is there; undefined where nothing is. */
  async resolve(reference: string): Promise<string | undefined> {
    const headers = { accept: ACCEPTED };
    const answer = await this.#session.ask({ method: "HEAD", at: `manifests/${reference}`, headers, ok: [200, 404] });
    if (answer.status === 404) return undefined;
    const said = answer.header("docker-content-digest");
    return isDigest(said) ? said : (await this.manifest(reference)).descriptor.digest;
  }

  /** @param reference a tag, or the manifest's own digest */
  async putManifest(reference: string, content: Content): Promise<void> {
    const { bytes, descriptor } = content;
    const { digest, mediaType } = descriptor;
    const answer = await this.#session.ask({
      method: "PUT",
      at: `manifests/${reference}`,
      headers: { "content-type": mediaType },
      body: bytes,
      ok: [200, 201, 202],
    });
    const said = answer.header("docker-content-digest");
    if (said?.startsWith("sha256:") && said !== digest) {
      throw mismatch(`The registry ${this.host} took the manifest ${digest} for another`, `It answered ${said}.`);
    }
    const { subject } = parse(bytes, "The manifest");
    if (subject === undefined || answer.header("oci-subject") !== undefined) return;
    await addReferrer(this.#session, readDescriptor(subject, "The subject").digest, content);
  }

  /**
   * The bytes of a blob, unverified. Where the connection breaks, it goes on behind what came.
   * @param offset behind how many of them to begin
   * @throws BstError domain remote
   */
  async *blob({ digest, size }: Pick<Descriptor, "digest" | "size">, offset = 0): AsyncGenerator<Buffer> {
    const { http, host } = this.#session;
    let received = offset;
    /** Whether the registry sends the rest alone; a server may know no ranges, or claim that it does. */
    let sendsRest = true;
    for (let failures = 0; ; ) {
      const asksRest = sendsRest && received > 0;
      const response = await this.#session.open({
        method: "GET",
        at: `blobs/${digest}`,
        headers: asksRest ? { range: `bytes=${received}-` } : {},
        ok: asksRest ? [200, 206, 416] : [200],
      });
      const began = performance.now();
      let at = response.status === 200 ? 0 : startOf(response, received);
      if (response.status === 416 || at > received) {
        sendsRest = false;
        await response.body.dump();
        continue;
      }
      try {
        for await (const chunk of response.body as AsyncIterable<Buffer>) {
          const rest = chunk.subarray(Math.min(chunk.length, received - at));
          at += chunk.length;
          if (rest.length === 0) continue;
          received += rest.length;
          failures = 0;
          yield rest;
        }
        if (received >= size || response.status === 200) return;
        sendsRest = false;
      } catch (error) {
        if (received >= size || !isLostConnection(error) || failures >= http.retries) {
          throw describe(error, response.from, http.signal, await this.#session.base());
        }
        if (performance.now() - began >= LONG_MS)
          http.info?.(`The registry ${host} is asked for the rest of ${digest}`);
      }
      await waitBefore(failures++, http);
    }
  }

  /** Whether a blob is there. */
  async hasBlob({ digest }: Pick<Descriptor, "digest">): Promise<boolean> {
    const answer = await this.#session.ask({ method: "HEAD", at: `blobs/${digest}`, ok: [200, 404] });
    return answer.status === 200;
  }

  /** Puts a blob there unless it is. @throws BstError domain remote */
  async upload(
    descriptor: Descriptor,
    open: () => AsyncIterable<Buffer>,
    options: UploadOptions = {},
  ): Promise<UploadOutcome> {
    if (await this.hasBlob(descriptor)) {
      options.record?.forget();
      return "present";
    }
    return uploadBlob(this.#session, descriptor, open, () => this.hasBlob(descriptor), options);
  }

  /** What says something about a manifest. @throws BstError domain remote */
  referrers(digest: string): Promise<readonly Descriptor[]> {
    return listReferrers(this.#session, digest);
  }
}

/** Behind how many bytes a part begins. @param asked what was asked for */
function startOf(part: Opened, asked: number): number {
  const [, start] = /^bytes (\d{1,15})-/.exec(part.header("content-range") ?? "") ?? [];
  return start === undefined ? asked : Number(start);
}
