/** Descriptions of commands, options and arguments, from which the types of the parsed values follow. */
import type { RemoteSpec } from "../remotespec.ts";

/** What one word of the command line must be. */
export type ValueType =
  | { readonly kind: "text" }
  | { readonly kind: "integer" }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "path"; readonly path: PathRules }
  /** Names of elements, completed from the project's element folder. */
  | { readonly kind: "element" }
  /** Names of elements or artifacts, completed from the cache as well. */
  | { readonly kind: "artifact" }
  /** Names of elements or artifacts, or images elsewhere: a transport and a place. */
  | { readonly kind: "image" }
  /** Words of a command of this program. */
  | { readonly kind: "command" }
  | { readonly kind: "remote"; readonly purpose: RemotePurpose };

export interface PathRules {
  /** What the path may be, where it exists. */
  readonly type: "file" | "directory" | "any";
  readonly mustExist?: boolean;
  readonly readable?: boolean;
  readonly writable?: boolean;
}

export type RemotePurpose = "all" | "push" | "pull";

/** `Value` is the type of the parsed value; it exists for the compiler only. */
export interface Option<Value = unknown> {
  readonly value?: Value;
  readonly flags: readonly string[];
  /** Flags that say the opposite. */
  readonly negative: readonly string[];
  readonly help: string;
  /** One type for each word that the option takes; none for a flag. */
  readonly words: readonly ValueType[];
  readonly multiple: boolean;
  readonly defaultValue: unknown;
  readonly showDefault: boolean;
  readonly metavar?: string;
  /** Not an option of BuildStream. */
  readonly own: boolean;
}

export interface Argument<Value = unknown> {
  readonly value?: Value;
  readonly metavar: string;
  readonly word: ValueType;
  readonly arity: "one" | "optional" | "any" | "some";
}

export interface Command<
  Options extends Record<string, Option> = Record<string, Option>,
  Arguments extends Record<string, Argument> = Record<string, Argument>,
> {
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs; one that begins with a space is not wrapped. */
  readonly description: readonly string[];
  readonly options: Options;
  readonly arguments: Arguments;
  /** Not a command of BuildStream. */
  readonly own?: boolean;
}

export interface Group {
  readonly summary: string;
  readonly description: readonly string[];
  readonly commands: Readonly<Record<string, Command | Group>>;
  readonly own?: boolean;
}

export function isGroup(entry: Command | Group): entry is Group {
  return "commands" in entry;
}

type Value<P> = P extends { readonly value?: infer V } ? V : never;
type Values<Params> = { readonly [Name in keyof Params]: Value<Params[Name]> };

/** What the parser makes of the command's options and arguments. */
export type ValuesOf<C extends Command> = Values<C["options"]> & Values<C["arguments"]>;

interface OptionExtras {
  readonly metavar?: string;
  readonly own?: boolean;
}

function option<V>(
  flags: string,
  words: readonly ValueType[],
  help: string,
  extras: Partial<Omit<Option, "value">>,
): Option<V> {
  return {
    flags: flags.split(" "),
    negative: [],
    help,
    words,
    multiple: false,
    defaultValue: undefined,
    showDefault: false,
    own: false,
    ...extras,
  };
}

/** A flag that is off unless given. */
export function flag(flags: string, help: string): Option<boolean> {
  return option(flags, [], help, { defaultValue: false });
}

/** A flag that BuildStream does not have. */
export function ownFlag(flags: string, help: string): Option<boolean> {
  return { ...flag(flags, help), own: true };
}

/** A flag that leaves a setting alone unless given. */
export function setting(flags: string, help: string): Option<true | undefined> {
  return option(flags, [], help, {});
}

/** A pair of flags, `--x` and `--no-x`, that leave a setting alone unless one is given. */
export function toggle(name: string, help: string): Option<boolean | undefined> {
  return option(`--${name}`, [], help, { negative: [`--no-${name}`] });
}

export function text(flags: string, help: string, extras: OptionExtras = {}): Option<string | undefined> {
  return option(flags, [{ kind: "text" }], help, extras);
}

/** A text that may be given again. */
export function texts(flags: string, help: string, metavar: string): Option<readonly string[]> {
  return option(flags, [{ kind: "text" }], help, { multiple: true, defaultValue: [], metavar });
}

export function textOr(flags: string, defaultValue: string, help: string): Option<string> {
  return option(flags, [{ kind: "text" }], help, { defaultValue, showDefault: true });
}

export function integer(flags: string, help: string): Option<number | undefined> {
  return option(flags, [{ kind: "integer" }], help, {});
}

export function path(
  flags: string,
  rules: PathRules,
  help: string,
  extras: OptionExtras = {},
): Option<string | undefined> {
  return option(flags, [{ kind: "path", path: rules }], help, extras);
}

/** A path that may be given again. */
export function paths(flags: string, rules: PathRules, help: string): Option<readonly string[]> {
  return option(flags, [{ kind: "path", path: rules }], help, { multiple: true, defaultValue: [], own: true });
}

export function pathOr(
  flags: string,
  rules: PathRules,
  defaultValue: string,
  help: string,
  showDefault = false,
): Option<string> {
  return option(flags, [{ kind: "path", path: rules }], help, { defaultValue, showDefault });
}

export function choice<const C extends string>(
  flags: string,
  choices: readonly C[],
  help: string,
): Option<C | undefined> {
  return option(flags, [{ kind: "choice", choices }], help, {});
}

export function choiceOr<const C extends string>(
  flags: string,
  choices: readonly C[],
  defaultValue: NoInfer<C>,
  help: string,
  extras: OptionExtras = {},
): Option<C> {
  return option(flags, [{ kind: "choice", choices }], help, { defaultValue, showDefault: true, ...extras });
}

/** One of some words, and it may be given again. */
export function choices<const C extends string>(
  flags: string,
  choices: readonly C[],
  help: string,
): Option<readonly C[]> {
  return option(flags, [{ kind: "choice", choices }], help, { multiple: true, defaultValue: [], metavar: "RULE" });
}

/** An option that takes two words and may be given again. */
export function pairs(
  flags: string,
  words: readonly [ValueType, ValueType],
  metavar: string,
  help: string,
): Option<readonly (readonly [string, string])[]> {
  return option(flags, words, help, { multiple: true, defaultValue: [], metavar });
}

export function remotes(flags: string, purpose: RemotePurpose, help: string): Option<readonly RemoteSpec[]> {
  return option(flags, [{ kind: "remote", purpose }], help, { multiple: true, defaultValue: [] });
}

export function elementNames(flags: string, help: string): Option<readonly string[]> {
  return option(flags, [{ kind: "element" }], help, { multiple: true, defaultValue: [], metavar: "PATH" });
}

/** Exactly one argument. */
export function one<const C extends string>(metavar: string, choices: readonly C[]): Argument<C> {
  return { metavar, word: { kind: "choice", choices }, arity: "one" };
}

/** Exactly one argument that is no choice. */
export function single(metavar: string, word: ValueType): Argument<string> {
  return { metavar, word, arity: "one" };
}

/** At most one argument. */
export function optional(metavar: string, word: ValueType): Argument<string | undefined> {
  return { metavar, word, arity: "optional" };
}

/** Any number of arguments. */
export function any(metavar: string, word: ValueType): Argument<readonly string[]> {
  return { metavar, word, arity: "any" };
}

/** At least one argument. */
export function some(metavar: string, word: ValueType): Argument<readonly string[]> {
  return { metavar, word, arity: "some" };
}

/** Keeps the types of the options and arguments. */
export function command<const O extends Record<string, Option>, const A extends Record<string, Argument>>(
  description: Command<O, A>,
): Command<O, A> {
  return description;
}
