/** An older Node.js would fail somewhere else, and say nothing of the reason. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  throw new Error(`cis2-bff/cdk needs Node.js 22.18 or newer, and this is ${process.version}`);
}
