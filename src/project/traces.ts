/** What resolving an element leaves behind: enough to know later whether resolving it again would change anything. */

export interface Warning {
  readonly text: string;
  readonly options: { readonly token?: string; readonly detail?: string };
}

export class Traces {
  /** Absolute paths of the files and folders of the project that its sources are made of. */
  readonly inputs = new Set<string>();
  readonly warnings: Warning[] = [];
  /** Whether it looked at what nobody keeps an eye on, such as programs of this machine. */
  isOpen = false;
  /** Whether its warnings were given already, since an earlier run knew them. */
  isKnown = false;
}
