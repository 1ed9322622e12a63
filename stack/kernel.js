// The CDK's process, without jsii's relay. jsii starts a Node whose whole work is to start a second one,
// with a socket for its file descriptor 3, and to copy between that socket and the pipes to Go. What is
// asked then wakes three processes for one answer. Here the pipes themselves are descriptors 3 and 4;
// stack/kernel.go opens them so.
'use strict';
const fs = require('node:fs');

// A pipe has one direction, a socket two: what the kernel writes to 3 leaves by 4.
const write = fs.writeSync;
fs.writeSync = (descriptor, ...rest) => write(descriptor === 3 ? 4 : descriptor, ...rest);

require('./program.js');
