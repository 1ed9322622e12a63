// The CDK's process as it is when Go has had every package loaded, kept by V8: what starts from it has neither
// jsii's kernel nor the CDK to compile and to run. https://nodejs.org/api/cli.html#--build-snapshot
//
//	node --preserve-symlinks --snapshot-blob <file> --build-snapshot snapshot.js <name> <the requests that loaded> warm|cold
//	node --snapshot-blob <file> <folder of the process>
'use strict';
const { spawnSync } = process.getBuiltinModule('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { startupSnapshot } = require('node:v8');
const vm = require('node:vm');
const { readSync, writeSync } = fs; // without the clocks that the CDK puts around them

const [snapshotName, requested, kind] = process.argv.slice(2);
const loads = JSON.parse(requested);
for (const load of loads) load.size = fs.statSync(load.tarball).size;

// The kernel links the packages into a folder of its process. In the snapshot it knows that folder by a
// name that no process has, for which its fs puts the right one.
const anywhere = path.resolve('/roadshow-modules');
let installed = fs.mkdtempSync(path.join(__dirname, 'modules-'));
const placed = (file) => (typeof file === 'string' && file.startsWith(anywhere) ? installed + file.slice(anywhere.length) : file);

// Go and the kernel speak by descriptor 3.
let hear, say;
const kernelFs = Object.defineProperties({}, Object.getOwnPropertyDescriptors(fs));
for (const name of Object.keys(fs).filter((name) => name.endsWith('Sync'))) {
  const call = fs[name];
  kernelFs[name] = Object.assign((...given) => call(...given.map(placed)), call);
}
kernelFs.mkdtempSync = () => anywhere;
kernelFs.readSync = (descriptor, ...rest) => (descriptor === 3 ? hear(...rest) : readSync(descriptor, ...rest));
kernelFs.writeSync = (descriptor, ...rest) => (descriptor === 3 ? say(...rest) : writeSync(descriptor, ...rest));

// The kernel has a worker write an index of a package's types. It does without where there is none.
const forKernel = { fs: kernelFs, module: { createRequire: (file) => requireFrom(placed(file)) }, worker_threads: {} };

// What follows is Node's own require, which cannot be in a snapshot. https://nodejs.org/api/modules.html#all-together
const modules = new Map();
const packages = new Map();
const packageName = /^((?:@[^/]+\/)?[^/]+)(.*)$/;

function requireFrom(folder) {
  const resolve = (wanted) => {
    const file = find(folder, wanted);
    if (file) return located(file);
    throw Object.assign(new Error(`Cannot find module '${wanted}' from '${folder}'`), { code: 'MODULE_NOT_FOUND' });
  };
  const require = (wanted) => {
    if (folder === __dirname && wanted in forKernel) return forKernel[wanted];
    return process.getBuiltinModule(wanted) ?? load(resolve(wanted));
  };
  return Object.assign(require, { resolve, cache: {} });
}

function load(file) {
  if (modules.has(file)) return modules.get(file).exports;
  const module = { id: file, filename: file, exports: {}, children: [], loaded: false };
  modules.set(file, module);
  try {
    const text = fs.readFileSync(file, 'utf8');
    if (file.endsWith('.json')) {
      module.exports = JSON.parse(text);
    } else {
      const folder = path.dirname(file);
      const parameters = ['exports', 'require', 'module', '__filename', '__dirname'];
      const run = vm.compileFunction(text.replace(/^#!.*/, ''), parameters, { filename: framed(file) });
      run.call(module.exports, module.exports, requireFrom(folder), module, file, folder);
    }
  } catch (error) {
    modules.delete(file);
    throw error;
  }
  module.loaded = true;
  return module.exports;
}

// located is where a file lies; the package of one that is linked is written down.
function located(file) {
  const links = path.join(installed, 'node_modules') + path.sep;
  if (file.startsWith(links)) {
    const [, name] = packageName.exec(file.slice(links.length));
    packages.set(name, fs.realpathSync(links + name));
  }
  return fs.realpathSync(file);
}

// framed is how a file is called in a stack trace: the CDK leaves out what is in node_modules.
function framed(file) {
  for (const [name, folder] of packages) {
    if (file.startsWith(folder + path.sep)) return path.join('/node_modules', name, file.slice(folder.length));
  }
  return file;
}

function find(folder, wanted) {
  if (wanted.startsWith('.') || path.isAbsolute(wanted)) return fileAt(path.resolve(folder, wanted));
  const [, name, rest] = packageName.exec(wanted);
  for (let above = folder; ; above = path.dirname(above)) {
    const file = fileOf(path.join(above, 'node_modules', name), rest);
    if (file || above === path.dirname(above)) return file ?? fileOf(path.join(installed, 'node_modules', name), rest);
  }
}

function fileOf(folder, rest) {
  const manifest = path.join(folder, 'package.json');
  if (!fs.existsSync(manifest)) return undefined;
  const { exports } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
  const exported = typeof exports === 'object' ? exports?.[`.${rest}`] : rest ? undefined : exports;
  return fileAt(path.join(folder, chosen(exported) ?? rest));
}

function chosen(exported) {
  if (Array.isArray(exported)) return exported.map(chosen).find((file) => file);
  return exported && typeof exported === 'object' ? chosen(exported.require ?? exported.node ?? exported.default) : exported;
}

function fileAt(file) {
  const found = [file, `${file}.js`, `${file}.json`].find((name) => fs.statSync(name, { throwIfNoEntry: false })?.isFile());
  if (found || !fs.existsSync(file)) return found;
  const manifest = path.join(file, 'package.json');
  const main = fs.existsSync(manifest) && JSON.parse(fs.readFileSync(manifest, 'utf8')).main;
  return (main && fileAt(path.join(file, main))) || fileAt(path.join(file, 'index.js'));
}

// The kernel waits for each next request by setImmediate, and is kept there. A handler of signals cannot be in
// a snapshot; and the kernel's fs would keep the working folder of this process for others.
const { on, cwd, chdir } = process;
const { setImmediate } = globalThis;
const onSignals = [];
let goOn;
process.on = (event, ...rest) => {
  if (!String(event).startsWith('SIG')) return on.call(process, event, ...rest);
  onSignals.push([event, ...rest]);
  return process;
};
globalThis.setImmediate = (next) => { goOn = next; };
const requests = [...loads];
const answers = [];
hear = (buffer) => buffer.write(`${JSON.stringify(requests.shift())}\n`);
say = (data) => answers.push(JSON.parse(data.toString())) && data.length;
load(path.join(__dirname, 'program.js'));
while (requests.length > 0) goOn();
Object.assign(process, { on, cwd, chdir });
globalThis.setImmediate = setImmediate;
const hello = JSON.stringify(answers.shift());
if (answers.length !== loads.length || answers.some(({ ok }) => !ok)) throw new Error(JSON.stringify(answers));

if (kind === 'warm') warmUp(load(path.join(packages.get('aws-cdk-lib'), 'index.js')));
fs.rmSync(installed, { recursive: true });

// warmUp has V8 load and compile what services are made of: one of each, which nobody sees.
function warmUp(cdk) {
  const outdir = fs.mkdtempSync(path.join(__dirname, 'assembly-'));
  const app = new cdk.App({ outdir });
  const env = { account: '111111111111', region: 'us-east-1' };
  const s = new cdk.Stack(app, 'Stack', { env, terminationProtection: true, tags: { a: 'b' } });
  cdk.Tags.of(s).add('roadshow:stage', 'warm');
  const table = new cdk.aws_dynamodb.Table(s, 'Table', { partitionKey: { name: 'id', type: 'S' } });
  const logGroup = new cdk.aws_logs.LogGroup(s, 'LogGroup', { removalPolicy: cdk.RemovalPolicy.DESTROY });
  const role = new cdk.aws_iam.Role(s, 'Role', { assumedBy: new cdk.aws_iam.ServicePrincipal('lambda.amazonaws.com') });
  const code = cdk.aws_lambda.Code.fromBucket(cdk.aws_s3.Bucket.fromBucketName(s, 'Code', 'code'), 'key');
  const runtime = cdk.aws_lambda.Runtime.PROVIDED_AL2023;
  const fn = new cdk.aws_lambda.Function(s, 'Function', { code, handler: 'bootstrap', runtime, logGroup, role, environment: { A: 'b' } });
  role.addToPrincipalPolicy(new cdk.aws_iam.PolicyStatement({ actions: ['logs:PutLogEvents'], resources: [logGroup.logGroupArn, table.tableArn] }));
  const integration = new cdk.aws_apigatewayv2_integrations.HttpLambdaIntegration('Integration', fn);
  const api = new cdk.aws_apigatewayv2.HttpApi(s, 'API');
  api.addRoutes({ path: '/', methods: ['GET'], integration });
  new cdk.CfnOutput(s, 'URL', { value: api.apiEndpoint }).overrideLogicalId('URL');
  app.synth();
  fs.rmSync(outdir, { recursive: true });
}

startupSnapshot.setDeserializeMainFunction(() => {
  const folder = process.argv[1];
  installed = path.join(folder, 'modules');
  if (![...packages.values()].every((target) => fs.existsSync(target))) process.exit(1);
  fs.rmSync(path.join(folder, 'snapshot')); // while it is there, kernel.go starts a process without one
  for (const [name, target] of packages) {
    const link = path.join(installed, 'node_modules', name);
    fs.mkdirSync(path.dirname(link), { recursive: true });
    fs.symlinkSync(target, link);
  }
  for (const handler of onSignals) process.on(...handler);
  hear = listen(folder);
  say = (...given) => writeSync(4, ...given);
  say(`${hello}\n`);
  goOn();
});

// listen reads Go's requests. While packages are loaded, it looks whether they are those of the snapshot.
function listen(folder) {
  const loaded = [];
  return (buffer, ...rest) => {
    const length = readSync(3, buffer, ...rest);
    const line = buffer.toString('utf8', 0, length);
    if (!line.startsWith('{"api":"load",') || !line.endsWith('\n')) {
      hear = attentive();
      for (const { tarball } of loaded) fs.rmSync(tarball);
      return length;
    }
    const request = JSON.parse(line);
    const known = loads.find(({ name }) => name === request.name);
    if (known && (known.version !== request.version || known.size !== fs.statSync(request.tarball).size)) handOver(folder, [...loaded, request]);
    if (request.name === 'aws-cdk-lib') return length; // it is the last of the snapshot
    // Go deletes the file of a package as soon as it has the answer; who takes over needs it.
    const tarball = path.join(folder, `${loaded.length}.tgz`);
    try {
      fs.linkSync(request.tarball, tarball);
    } catch {
      fs.copyFileSync(request.tarball, tarball); // a file system without links
    }
    loaded.push({ ...request, tarball });
    return length;
  };
}

// handOver has a process without a snapshot go on, where Go's packages are others.
function handOver(folder, loaded) {
  const before = loaded.map((request) => `${JSON.stringify(request)}\n`).join('');
  const command = ['--preserve-symlinks', path.join(folder, 'kernel', 'kernel.js'), snapshotName, before];
  const { status } = spawnSync(process.execPath, command, { stdio: ['ignore', 'inherit', 'inherit', 3, 4] });
  process.exit(status ?? 1);
}

// attentive does not go to sleep at once: Go asks again within some tens of microseconds, and to be woken takes
// as long. With one processor, that is Go's.
function attentive() {
  const read = (...given) => readSync(3, ...given);
  if (os.availableParallelism() < 2) return read;
  let open;
  try {
    open = fs.openSync('/dev/fd/3', fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch {
    return read;
  }
  return (...given) => {
    const end = performance.now() + 0.2;
    do {
      try {
        return readSync(open, ...given);
      } catch (error) {
        if (error.code !== 'EAGAIN') throw error;
      }
    } while (performance.now() < end);
    return read(...given);
  };
}
