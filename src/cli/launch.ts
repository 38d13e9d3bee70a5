/** Starts the program from code that was compiled before: compiling it anew takes a tenth of a second each time. */
import fs from "node:fs";
import { wrap } from "node:module";
import vm from "node:vm";

const program = `${__dirname}/main.js`;
// Other versions of Node.js compile to other code, and the program is told from others by its size and time.
const { size, mtimeMs } = fs.statSync(program);
const compiled = `${__dirname}/main.${process.version}-${process.arch}-${size.toString(36)}-${mtimeMs.toString(36)}.compiled`;

const cachedData = read(compiled);
const script = new vm.Script(wrap(fs.readFileSync(program, "utf8")), {
  filename: program,
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  ...(cachedData !== undefined && { cachedData }),
});
// Written when the program ends, since only what has run is compiled. What is there but rejected is for other options
// of Node.js, and stays, unless the build asks for more.
if (cachedData === undefined || process.env["BST_TS_COMPILE"] === "more")
  process.once("exit", () => write(compiled, script.createCachedData()));
script.runInThisContext()(exports, require, module, program, __dirname);

function read(path: string): Buffer | undefined {
  try {
    return fs.readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Where the folder cannot be written to, the program only starts slower. */
function write(path: string, data: Buffer): void {
  const temporary = `${path}.${process.pid}`;
  try {
    fs.writeFileSync(temporary, data);
    fs.renameSync(temporary, path);
  } catch {
    fs.rmSync(temporary, { force: true });
  }
}
