// Runs AWS's own validator, with all its rules, over templates: {id: {template, region}} on standard input,
// {id: [rule]} on standard output. The first argument is the validator's folder. Of its warnings count those that say what a
// service would refuse: a value that is none of those there are (W3030), a property that is missing (W2533). The others
// are advice on style and on what is open to everybody.
const { RegoEngine } = require(process.argv[2]);
const engine = new RegoEngine();
const templates = JSON.parse(require("fs").readFileSync(0, "utf8"));
const refusing = ["W3030", "W2533"];
const found = {};
for (const [id, { template, region }] of Object.entries(templates)) {
  const file = { path: "template.json", readBytes: () => Buffer.from(template) };
  const rules = engine
    .validateStandard(file, { pseudoParameterOverrides: { region } })
    .diagnostics.filter((d) => d.severity === "FATAL" || d.severity === "ERROR" || refusing.includes(d.ruleId))
    .map((d) => d.ruleId);
  found[id] = [...new Set(rules)].sort();
}
process.stdout.write(JSON.stringify(found));
