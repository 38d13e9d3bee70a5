/** The reference implementation, where it is installed. */
import fs from "node:fs";
import os from "node:os";

const root = process.env["BST_ORACLE"] ?? `${os.homedir()}/.cache/bst-ts-oracle`;

export const bst = `${root}/venv/bin/bst`;
export const python = `${root}/venv/bin/python`;

/** Whether it is not. */
export const absent = !fs.existsSync(bst);
if (absent) console.warn("skipped: no BuildStream to compare with; set BST_ORACLE to the folder of one");
