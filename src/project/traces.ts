/** What resolving an element leaves behind: enough to know later whether resolving it again would change anything. */

export interface Warning {
  readonly text: string;
  readonly options: { readonly token?: string; readonly detail?: string };
}

// Most elements have neither: 100,000 empty sets would be 25 MB.
const NO_INPUTS: ReadonlySet<string> = new Set();
const NO_WARNINGS: readonly Warning[] = [];

export class Traces {
  private ownInputs: Set<string> | undefined;
  private ownWarnings: Warning[] | undefined;
  /** Whether it looked at what nobody keeps an eye on, such as programs of this machine. */
  isOpen = false;
  /** Whether its warnings were given already, since an earlier run knew them. */
  isKnown = false;

  /** Absolute paths of the files and folders of the project that its sources are made of. */
  get inputs(): ReadonlySet<string> {
    return this.ownInputs ?? NO_INPUTS;
  }

  addInput(path: string): void {
    this.ownInputs ??= new Set();
    this.ownInputs.add(path);
  }

  get warnings(): readonly Warning[] {
    return this.ownWarnings ?? NO_WARNINGS;
  }

  addWarning(warning: Warning): void {
    this.ownWarnings ??= [];
    this.ownWarnings.push(warning);
  }
}
