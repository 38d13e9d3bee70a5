/** The metadata file of a flatpak: sections of keys and values, in which Python's configparser reads and writes. */
import type { BstError } from "../base/errors.ts";
import type { MappingNode } from "../yaml/node.ts";

type Sections = Readonly<Record<string, Readonly<Record<string, string>>>>;

export class FlatpakMetadata {
  readonly sections: Sections;

  constructor(sections: Sections) {
    this.sections = sections;
  }

  has(section: string): boolean {
    return Object.hasOwn(this.sections, section);
  }

  /** Where the extensions that can be added are mounted, relative to the flatpak's files. */
  extensionDirectories(error: (message: string) => BstError): string[] {
    return Object.entries(this.sections)
      .filter(([section]) => section.startsWith("Extension "))
      .map(([section, values]) => {
        const directory = values["directory"];
        if (directory === undefined) throw error(`The metadata section '${section}' has no 'directory'`);
        return interpolated(directory, values);
      });
  }

  toText(): string {
    const lines = Object.entries(this.sections).map(([section, values]) => {
      const pairs = Object.entries(values).map(([key, value]) => `${key} = ${value.replaceAll("\n", "\n\t")}\n`);
      return `[${section}]\n${pairs.join("")}\n`;
    });
    return lines.join("");
  }
}

/** @throws LoadError invalid-data, where a `%` stands for nothing */
export function readMetadata(node: MappingNode): FlatpakMetadata {
  const sections = node.keys().map((section) => {
    const values = node.mapping(section);
    const pairs = (values?.keys() ?? []).map((key): [string, string] => {
      const value = values?.scalar(key);
      if (value !== undefined && REFERENCE_ERROR.test(value.value.replace(REFERENCE, ""))) {
        throw value.error("A '%' in the metadata of a flatpak is written '%%'");
      }
      return [key, value?.value ?? ""];
    });
    return [section, Object.fromEntries(pairs)] as const;
  });
  return new FlatpakMetadata(Object.fromEntries(sections));
}

/** `%%` for a percent sign, and `%(key)s` for another value of the section. */
const REFERENCE = /%(?:%|\(([^)]+)\)s)/g;
const REFERENCE_ERROR = /%/;

function interpolated(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(REFERENCE, (_, key?: string) => (key === undefined ? "%" : (values[key] ?? "")));
}
