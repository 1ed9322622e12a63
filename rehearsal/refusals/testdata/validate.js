// Runs AWS's own validator, with all its rules, over templates: {id: template} on standard input,
// {id: [rule]} on standard output. The first argument is the validator's folder.
const { RegoEngine } = require(process.argv[2]);
const engine = new RegoEngine();
const templates = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = {};
for (const [id, text] of Object.entries(templates)) {
  const file = { path: "template.json", readBytes: () => Buffer.from(text) };
  const rules = engine
    .validateStandard(file)
    .diagnostics.filter((d) => d.severity === "FATAL" || d.severity === "ERROR" || d.ruleId === "W3030")
    .map((d) => d.ruleId);
  found[id] = [...new Set(rules)].sort();
}
process.stdout.write(JSON.stringify(found));
