/** Kind `dpkg_deploy` lays out packages by the public data of their element; what would pack them says what it finds. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCli } from "../helpers.ts";
import { writeRoot } from "../root.ts";
import { imported, pluginProject } from "./kinds.ts";

it("makes a folder of each package", async () => {
  const dpkg = {
    "split-rules": { tool: ["/usr/bin/**"], docs: ["/usr/share/**"], rest: ["/etc/**", "/usr"] },
    "dpkg-data": {
      tool: { name: "the-tool", control: "Package: tool\nVersion: 1" },
      docs: { control: "Package: docs" },
    },
    "package-scripts": { tool: { postinst: "#!/bin/sh\n" } },
  };
  const show = `mkdir -p %{install-root}
for package in <PACKAGES>; do
  (cd %{build-root}/$package && for file in $(find . -type f | sort); do
    test -x $file && echo "$file (executable)" || echo "$file"
    cat $file
    echo
  done) > %{install-root}/$package
done`;
  const cwd = pluginProject(
    ["dpkg_deploy"],
    {
      root: imported("root"),
      input: imported("input", { public: { bst: dpkg } }),
      packages: {
        kind: "dpkg_deploy",
        "build-depends": ["root.bst", { filename: "input.bst", config: { input: true } }],
        config: { "build-commands": [show] },
      },
    },
    {
      "input/usr/bin/tool": { executable: "tool" },
      "input/usr/share/doc": "doc",
      "input/etc/conf": "conf",
    },
  );
  writeRoot(join(cwd, "root"));
  const built = await runCli(["build", "packages.bst"], { cwd });
  expect(built.code, built.stderr).toBe(0);
  const checkout = await runCli(["artifact", "checkout", "--directory", "out", "packages.bst"], { cwd });
  expect(checkout.code, checkout.stderr).toBe(0);
  const text = (name: string) => readFileSync(join(cwd, "out", name), "utf8");
  expect(text("tool")).toBe(
    [
      "./DEBIAN/control\nPackage: the-tool\nVersion: 1\n\n",
      "./DEBIAN/md5sums\n39ab32c5aeb56c9f5ae17f073ce31023  usr/bin/tool\n\n",
      "./DEBIAN/postinst (executable)\n#!/bin/sh\n",
      "./usr/bin/tool (executable)\ntool\n",
    ].join(""),
  );
  expect(text("docs")).toContain("./DEBIAN/control\nPackage: input-docs\n\n");
  expect(text("docs")).not.toContain("usr/bin");
});
