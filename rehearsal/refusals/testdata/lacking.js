// Asks AWS's own schemas, of each region, which types a region lacks: [type] on standard input, {type: [region]} on standard
// output. The first argument is the validator's folder.
const { SchemaValidator } = require(process.argv[2]);
const types = JSON.parse(require("fs").readFileSync(0, "utf8"));
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
const regions = `us-east-1 us-east-2 us-west-1 us-west-2 af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3
  ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
  ca-central-1 ca-west-1 cn-north-1 cn-northwest-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2
  eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-gov-east-1 us-gov-west-1`.split(/\s+/);
const Resources = Object.fromEntries(types.map((Type) => [Type.replaceAll(":", ""), { Type }]));
const file = { path: "template.json", readBytes: () => Buffer.from(JSON.stringify({ Resources })) };
const schemas = new SchemaValidator();
const lacking = {};
for (const region of regions) {
  for (const found of schemas.validate(file, region).filter((d) => d.ruleId === "F3006")) {
    const type = found.message.match(/'([^']+)'/)[1];
    lacking[type] = [...(lacking[type] ?? []), region];
  }
}
process.stdout.write(JSON.stringify(lacking));
