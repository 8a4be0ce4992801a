// Validates workflows and action.yml files with GitHub's own language service.
//
// Arguments: files. Output: one JSON array of {path, line, column, severity, message}; line and column from 1.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { registerLogger, validate } from "@actions/languageservice";
import { TextDocument } from "vscode-languageserver-textdocument";

const SEVERITY = { 1: "error", 2: "warning", 3: "note", 4: "note" };

const found = [];
let path = "";
const report = (line, column, severity, message) => found.push({ path, line, column, severity, message });
// The service keeps its own failures to itself; unseen, they would pass for a valid file.
const fail = (message) => report(1, 1, "error", message);
registerLogger({ error: fail, warn: fail, info: () => {}, log: () => {} });

for (path of process.argv.slice(2)) {
  const document = TextDocument.create(pathToFileURL(path).href, "yaml", 1, await readFile(path, "utf8"));
  for (const { range, severity, message } of await validate(document, {})) {
    report(range.start.line + 1, range.start.character + 1, SEVERITY[severity] ?? "error", message);
  }
}
process.stdout.write(JSON.stringify(found));
