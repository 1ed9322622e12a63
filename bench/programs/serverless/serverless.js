// The synthetic service on the Serverless Framework 3: the same functions, routes and table. Its users
// run it once for each stage.
"use strict";
const count = Number(process.env.BENCH_FUNCTIONS || "10");
const functions = {};
for (let i = 1; i <= count; i++) {
  const id = "f" + String(i).padStart(3, "0");
  functions[id] = { handler: "bootstrap", events: [{ httpApi: { method: "GET", path: "/" + id } }] };
}

module.exports = {
  service: "bench",
  frameworkVersion: "3",
  configValidationMode: "error",
  provider: {
    name: "aws", runtime: "provided.al2023", architecture: "arm64", region: "us-east-1",
    memorySize: 256, timeout: 10, logRetentionInDays: 30, versionFunctions: false,
    environment: { SALT: "none", ITEMS_TABLE: { Ref: "Items" } },
    iam: {
      role: {
        statements: [{
          Effect: "Allow", Resource: { "Fn::GetAtt": ["Items", "Arn"] },
          Action: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query", "dynamodb:Scan"],
        }],
      },
    },
    tags: { "roadshow:service": "bench", "roadshow:stage": "${sls:stage}" },
  },
  package: { patterns: ["!**", "bootstrap"] },
  functions: Object.fromEntries(Object.entries(functions).map(([id, fn]) => [id, { ...fn, name: "${sls:stage}-bench-" + id }])),
  resources: {
    Resources: {
      Items: {
        Type: "AWS::DynamoDB::Table",
        Properties: {
          TableName: "${sls:stage}-bench-items", BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
          KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
          SSESpecification: { SSEEnabled: true },
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        },
      },
    },
  },
};
