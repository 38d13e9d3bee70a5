/**
 * Part of a project for images in layers: a root folder, and what comes above it, in which all that a path can become
 * happens. Whoever takes it adds tools.bst, an import of `tools`.
 */
import type { FileContent } from "../helpers.ts";

export const layered: Readonly<Record<string, FileContent>> = {
  "elements/root.bst": "kind: import\nsources: [{kind: local, path: root}]\n",
  "elements/old.bst": "kind: import\nsources: [{kind: local, path: old}]\n",
  "elements/new.bst": `
kind: import
sources: [{kind: local, path: new}]
public:
  oci:
    changes: often
    files:
    - {path: /srv/**, user: app, group: '7'}
    - {path: /srv/data/, mode: '1777'}
`,
  "elements/below.bst": "kind: compose\nbuild-depends: [root.bst, old.bst]\nconfig: {integrate: False}\n",
  "elements/above.bst": "kind: compose\nbuild-depends: [root.bst, tools.bst, new.bst]\nconfig: {integrate: False}\n",
  "root/etc/passwd": "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n",
  "root/etc/group": "root:x:0:\napp:x:1001:\n",
  "old/srv/gone/a": "1",
  "old/srv/data/a": "1",
  "old/srv/data/deep/c": "1",
  "old/srv/file-to-folder": "1",
  "old/srv/folder-to-file/x": "1",
  "old/srv/folder-to-link/x": "1",
  "old/srv/link-to-folder": { symlink: "data" },
  "old/srv/kept": "1",
  "old/srv/changed": "1",
  "new/srv/data/z": "2",
  "new/srv/file-to-folder/inside": "2",
  "new/srv/folder-to-file": "2",
  "new/srv/folder-to-link": { symlink: "data" },
  "new/srv/link-to-folder/inside": "2",
  "new/srv/kept": "1",
  "new/srv/changed": "2",
  "tools/usr/share/note": "note",
  "tools/usr/bin/": "",
};
