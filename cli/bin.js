#!/usr/bin/env node
// Nothing newer here than what an old Node.js reads, so that it can say what is wrong.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 18)) {
  await import('./main.js');
} else {
  process.stderr.write(`cis2-bff needs Node.js 22.18 or newer, and this is ${process.version}\n`);
  process.exitCode = 1;
}
