/** Commands that are there for those in a sandbox, and that this program carries out from outside: kinds offer them. */
import type { Digest } from "./digest.ts";

/** What a command that is served is asked for by its caller in the sandbox, which waits. */
export interface CommandCall {
  /** What it read. */
  readonly input: string;
  /** Where it was called; absolute, in the sandbox. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** All files of the sandbox as they are now; what is in `/dev`, `/proc` and `/tmp` is not among them. */
  readonly root: Digest;
  /** Permission bits of files and directories, by path, where they differ from those that a tree tells of. */
  readonly modes: ReadonlyMap<string, number>;
  /** Extended attributes `user.…` of files and directories that have such, by path; undefined where nobody can tell them. */
  readonly xattrs: ReadonlyMap<string, Readonly<Record<string, Buffer>>> | undefined;
  /** Paths of pipes, sockets and devices, which are not among the files. */
  readonly special: readonly string[];
  /**
   * What files and directories below a folder are to processes of the sandbox: paths from there, each with the numbers of
   * its device and its inode, as `major-minor-inode`.
   * @param folder path from the root
   */
  inodes(folder: string): Iterable<readonly [path: string, inode: string]>;
  /** Aborted where nobody waits any more. */
  readonly signal: AbortSignal;
}

/** A command that is there for those in the sandbox, and that this program carries out from outside. */
export interface CommandService {
  readonly name: string;
  /** @returns a tree that is written into the folder of the call. @throws BstError: the command fails, and says why */
  run(call: CommandCall): Promise<Digest>;
}
