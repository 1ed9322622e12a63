// The synthetic service by hand on the CDK, in JavaScript: no language border, so it is the floor. One
// App for each stage, all in one process. It takes the flags of package size.
"use strict";
const path = require("path");
const { App, Stack, Tags, Duration, RemovalPolicy, CfnOutput } = require("aws-cdk-lib");
const dynamodb = require("aws-cdk-lib/aws-dynamodb");
const lambda = require("aws-cdk-lib/aws-lambda");
const logs = require("aws-cdk-lib/aws-logs");
const { HttpApi, HttpMethod } = require("aws-cdk-lib/aws-apigatewayv2");
const { HttpLambdaIntegration } = require("aws-cdk-lib/aws-apigatewayv2-integrations");

const asked = { stages: "3", functions: "10", groups: "1", out: "", code: "", salt: "none" };
for (const argument of process.argv.slice(2)) {
  const [name, value] = argument.replace(/^-+/, "").split("=");
  asked[name] = value;
}
const stageCount = Number(asked.stages), groups = Number(asked.groups);
const twoDigits = (n) => String(n).padStart(2, "0");
const memoryOf = (stage) => (stage < stageCount - groups + 1 ? 256 : 256 + 64 * (stage - (stageCount - groups)));

for (let i = 0; i < stageCount; i++) {
  const stage = "s" + twoDigits(i + 1);
  const app = new App({ outdir: path.join(asked.out, "assembly-" + stage) });
  define(app, stage, "1000000000" + twoDigits(i + 1), memoryOf(i));
  app.synth();
}

function define(app, stage, account, firstMemory) {
  const name = (part) => `${stage}-bench-${part}`;
  const stack = new Stack(app, "bench", { stackName: `${stage}-bench`, env: { account, region: "us-east-1" } });
  Tags.of(stack).add("roadshow:service", "bench");
  Tags.of(stack).add("roadshow:stage", stage);
  const table = new dynamodb.Table(stack, "Items", {
    tableName: name("items"),
    partitionKey: { name: "id", type: dynamodb.AttributeType.STRING },
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    encryption: dynamodb.TableEncryption.AWS_MANAGED,
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    deletionProtection: false,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  });
  const api = new HttpApi(stack, "Api", { apiName: name("api") });
  new CfnOutput(stack, "ApiURL", { value: api.apiEndpoint });
  for (let i = 0; i < Number(asked.functions); i++) {
    const id = "f" + String(i + 1).padStart(3, "0");
    const logGroup = new logs.LogGroup(stack, id + "Logs", {
      logGroupName: "/aws/lambda/" + name(id), retention: logs.RetentionDays.ONE_MONTH, removalPolicy: RemovalPolicy.DESTROY,
    });
    const fn = new lambda.Function(stack, id, {
      functionName: name(id),
      runtime: lambda.Runtime.PROVIDED_AL2023,
      architecture: lambda.Architecture.ARM_64,
      handler: "bootstrap",
      code: lambda.Code.fromAsset(path.join(asked.code, id)),
      memorySize: i === 0 ? firstMemory : 256,
      timeout: Duration.seconds(10),
      logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      environment: { SALT: asked.salt, ITEMS_TABLE: table.tableName },
    });
    table.grantReadWriteData(fn);
    api.addRoutes({ path: "/" + id, methods: [HttpMethod.GET], integration: new HttpLambdaIntegration(id, fn) });
  }
}
