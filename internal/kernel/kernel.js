// The CDK's process, without jsii's relay. jsii starts a Node whose whole work is to start a second one,
// with a socket for its file descriptor 3, and to copy between that socket and the pipes to Go. What is
// asked then wakes three processes for one answer. Here the pipes themselves are descriptors 3 and 4;
// kernel.go opens them so.
//
//	node --preserve-symlinks kernel.js [<name of the snapshot to make> [<requests that were read before>]]
'use strict';
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');

const [snapshotName = '', before = ''] = process.argv.slice(2);
const loads = before.split('\n').filter(Boolean).map((line) => JSON.parse(line));
const { readSync, writeSync } = fs;

// A pipe has one direction, a socket two: what the kernel writes to 3 leaves by 4. A snapshot of other packages
// has said hello already, and has answered all that it has read but the last.
let answered = loads.length;
fs.writeSync = (descriptor, data, ...rest) => {
  if (descriptor !== 3) return writeSync(descriptor, data, ...rest);
  return answered-- > 0 ? data.length : writeSync(4, data, ...rest);
};

let unread = before;
let watched = snapshotName !== '';
fs.readSync = (descriptor, buffer, ...rest) => {
  if (descriptor !== 3) return readSync(descriptor, buffer, ...rest);
  if (unread) {
    const length = buffer.write(unread);
    unread = '';
    return length;
  }
  if (watched && loads.at(-1)?.name === 'aws-cdk-lib') {
    makeSnapshot();
    watched = false;
  }
  const length = readSync(descriptor, buffer, ...rest);
  watched &&= keepLoaded(buffer.toString('utf8', 0, length));
  return length;
};

// keepLoaded keeps a package that Go has loaded: Go deletes the file as soon as it has the answer.
function keepLoaded(line) {
  if (!line.startsWith('{"api":"load",') || !line.endsWith('\n')) return false;
  const request = JSON.parse(line);
  const tarball = path.join(__dirname, `${loads.length}.tgz`);
  fs.copyFileSync(request.tarball, tarball);
  loads.push({ ...request, tarball });
  return true;
}

// makeSnapshot makes what the next process starts from, beside the package that it is of. It is best effort: the
// folder may be somebody else's, the disk full, the Node too old or not able to. An empty file says the last.
function makeSnapshot() {
  if (!zlib.crc32) return;
  const folder = path.dirname(__dirname);
  let made = '';
  try {
    const install = fs.readdirSync(folder).find((name) => name.startsWith('jsii-kernel-'));
    const cdk = fs.realpathSync(path.join(folder, install, 'node_modules', 'aws-cdk-lib'));
    // The kernel has an index of the types, which makes them light, written beside the first process's work.
    if (!fs.existsSync(path.join(cdk, '.jsii.runtime.v1.json'))) return;
    const kept = fs.readdirSync(cdk).filter((name) => name.startsWith('.roadshow.'));
    if (kept.some((name) => name.startsWith(`${snapshotName}.`))) return; // by another process, just now

    const minute = 60 * 1000;
    const making = path.join(cdk, `${snapshotName}-making`);
    if (age(making) < minute) return; // another process is at it
    fs.rmSync(making, { force: true });
    fs.closeSync(fs.openSync(making, 'wx'));
    made = making;
    const { CDK_OUTDIR, CDK_CONTEXT_JSON, ...env } = process.env;
    const takes = (kind) => {
      const script = [path.join(__dirname, 'snapshot.js'), snapshotName, JSON.stringify(loads), kind];
      const command = [...process.execArgv, '--snapshot-blob', made, '--build-snapshot', ...script];
      return spawnSync(process.execPath, command, { stdio: 'ignore', env }).status === 0;
    };
    if (!takes('warm') && !takes('cold')) fs.writeFileSync(made, '');
    const checksum = zlib.crc32(fs.readFileSync(made)).toString(16).padStart(8, '0');
    fs.renameSync(made, path.join(cdk, `${snapshotName}.${checksum}`));

    const month = 30 * 24 * 60 * minute;
    for (const old of kept.map((name) => path.join(cdk, name))) {
      if (age(old) > month) fs.rmSync(old, { force: true });
    }
  } catch {
    if (made) fs.rmSync(made, { force: true });
  }
}

function age(file) {
  return Date.now() - (fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
}

require('./program.js');
