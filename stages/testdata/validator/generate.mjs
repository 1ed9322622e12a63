// Asks the CloudFormation validator that aws-cdk-lib bundles which names it accepts, and writes names.json, which
// TestTheRowsAgreeWithTheValidator compares with limits.go. Run it from the module's root after an update of the CDK:
//
//	node stages/testdata/validator/generate.mjs
//
// The validator keeps AWS's resource schemas inside WebAssembly, so they are probed rather than read: one name for each
// length and one for each character. A probe also sees through patterns whose notation differs from one schema to the next.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cdk = 'github.com/aws/aws-cdk-go/awscdk/v2';

// Each row: the type, the property that holds the name, the text around the name that the type insists on, and the
// properties without which the validator would not look at the name.
const questions = [
  ['AWS::ApiGateway::RestApi', 'Name'],
  ['AWS::ApiGatewayV2::Api', 'Name'],
  ['AWS::CloudWatch::Alarm', 'AlarmName'],
  ['AWS::CloudWatch::CompositeAlarm', 'AlarmName'],
  ['AWS::CloudWatch::Dashboard', 'DashboardName'],
  ['AWS::CodeBuild::Project', 'Name'],
  ['AWS::DAX::Cluster', 'ClusterName'],
  ['AWS::DAX::ParameterGroup', 'ParameterGroupName'],
  ['AWS::DAX::SubnetGroup', 'SubnetGroupName'],
  ['AWS::DynamoDB::Table', 'TableName'],
  ['AWS::EC2::SecurityGroup', 'GroupName'],
  ['AWS::Events::EventBus', 'Name'],
  ['AWS::Events::Rule', 'Name'],
  ['AWS::IAM::ManagedPolicy', 'ManagedPolicyName'],
  ['AWS::IAM::Role', 'RoleName'],
  ['AWS::KMS::Alias', 'AliasName', 'alias/', ''],
  ['AWS::Lambda::Alias', 'Name'],
  ['AWS::Lambda::Function', 'FunctionName'],
  ['AWS::Lambda::LayerVersion', 'LayerName'],
  ['AWS::Logs::LogGroup', 'LogGroupName'],
  ['AWS::S3::Bucket', 'BucketName'],
  ['AWS::SNS::Topic', 'TopicName'],
  ['AWS::SNS::Topic', 'TopicName', '', '.fifo', { FifoTopic: true }],
  ['AWS::SQS::Queue', 'QueueName'],
  ['AWS::SQS::Queue', 'QueueName', '', '.fifo', { FifoQueue: true }],
  ['AWS::SSM::Parameter', 'Name', '/', '', { Type: 'String', Value: 'x' }],
  ['AWS::Scheduler::Schedule', 'Name'],
  ['AWS::Scheduler::ScheduleGroup', 'Name'],
  ['AWS::SecretsManager::Secret', 'Name'],
  ['AWS::StepFunctions::StateMachine', 'StateMachineName'],
];

// Beyond this length every answer is "no limit".
const longest = 2100;

const folder = mkdtempSync(join(tmpdir(), 'validator-'));
try {
  const { Dir: dir, Version: cdkVersion } = JSON.parse(execFileSync('go', ['list', '-m', '-json', cdk], { encoding: 'utf8' }));
  const bundle = join(dir, 'jsii', `aws-cdk-lib-${cdkVersion.slice(1)}.tgz`);
  execFileSync('tar', ['-xzf', bundle, '-C', folder, 'package/node_modules/@aws/cloudformation-validate']);
  const validate = createRequire(import.meta.url)(join(folder, 'package/node_modules/@aws/cloudformation-validate'));
  const validator = new validate.SchemaValidator();

  const complaints = (type, property, value, others) => {
    const file = new validate.TemplateFile('probe.json');
    const text = JSON.stringify({ Resources: { Probe: { Type: type, Properties: { ...others, [property]: value } } } });
    file.readBytes = () => Buffer.from(text);
    return validator.validate(file, 'us-east-1')
      .filter((d) => d.propertyPath === `Properties.${property}` && ['FATAL', 'ERROR', 'WARN'].includes(d.severity))
      .map((d) => d.message);
  };

  const rows = questions.map(([type, property, prefix = '', suffix = '', others = {}]) => {
    const accepts = (middle) => complaints(type, property, prefix + middle + suffix, others).length === 0;
    const lengths = [];
    for (let n = 1; n <= longest; n++) {
      if (accepts('a'.repeat(n))) lengths.push(n + prefix.length + suffix.length);
    }
    let characters = '';
    for (let code = 0x20; code < 0x7f; code++) {
      const c = String.fromCharCode(code);
      if (accepts(`aaa${c}aaa`)) characters += c;
    }
    const most = lengths.at(-1);
    return {
      type, property, prefix, suffix,
      min: lengths[0], max: most >= longest ? 0 : most, characters,
      doubledHyphen: accepts('aaa--aaa'), endsInHyphen: accepts('aaa-'),
    };
  });

  const out = join(dirname(fileURLToPath(import.meta.url)), 'names.json');
  writeFileSync(out, JSON.stringify({ cdk: cdkVersion, validator: validate.version(), names: rows }, null, '\t') + '\n');
} finally {
  rmSync(folder, { recursive: true });
}
