// The CDK's process, without jsii's relay. jsii starts a Node whose whole work is to start a second one,
// with a socket for its file descriptor 3, and to copy between that socket and the pipes to Go. What is
// asked then wakes three processes for one answer. Here the pipes themselves are descriptors 3 and 4;
// stack/kernel.go opens them so.
'use strict';
const fs = require('node:fs');
const module_ = require('node:module');
const path = require('node:path');

// A pipe has one direction, a socket two: what the kernel writes to 3 leaves by 4.
const write = fs.writeSync;
fs.writeSync = (descriptor, ...rest) => write(descriptor === 3 ? 4 : descriptor, ...rest);

// V8 keeps what it has compiled of the CDK. Node finds it by where a module lies as seen from the cache; so
// the cache is linked into this process's folder, and the folder that the kernel makes for the CDK gets a
// name that does not change. https://nodejs.org/api/module.html#module-compile-cache
const folder = path.dirname(__dirname);
const compiled = path.join(folder, 'compiled');
const [major, minor] = process.versions.node.split('.').map(Number);
if ((major > 24 || (major === 24 && minor >= 12)) && fs.existsSync(compiled)) {
  const make = fs.mkdtempSync;
  fs.mkdtempSync = (prefix, ...rest) => {
    if (path.basename(prefix) !== 'jsii-kernel-') return make(prefix, ...rest);
    const fixed = path.join(folder, 'modules');
    fs.mkdirSync(fixed);
    return fixed;
  };
  module_.enableCompileCache({ directory: compiled, portable: true });
  // Node would write the cache when it ends, and then Go has ended already: whoever started it may be removing
  // this folder, or that of the cache. So it is written while Go waits, and not at the end.
  setInterval(() => module_.flushCompileCache(), 250).unref();
  process.on('exit', () => fs.rmSync(compiled, { force: true }));
}

require('./program.js');
