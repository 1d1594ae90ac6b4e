/**
 * The software bill of materials (CycloneDX) of the packed package, as `build/cis2-bff.cdx.json`: npm's list of every dependency.
 * The scope of a component says whether its code is inside the package (`required`), or was only used to make and test it
 * (`excluded`).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const output = path.join(root, 'build', 'cis2-bff.cdx.json');
const licences = path.join(root, 'dist', 'THIRD-PARTY-LICENCES.txt');

interface Component {
  readonly name: string;
  readonly version: string;
}
interface Bom {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
}

const run = (script: string, ...args: readonly string[]): string =>
  execFileSync(process.execPath, [script, ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });

const npm = process.env['npm_execpath'];
if (npm === undefined) throw new Error('run it by npm: npm run sbom');
if (!existsSync(licences)) run(path.join(root, 'tools', 'build-package.ts'));

const inside = new Set(readFileSync(licences, 'utf8').split('\n'));
const bom = JSON.parse(run(npm, 'sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'library')) as Bom;
const { name } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Component;
const components = bom.components.map((component) => ({
  ...component,
  scope: inside.has(`${component.name} ${component.version}`) ? 'required' : 'excluded',
}));
const required = components.filter(({ scope }) => scope === 'required').length;
if (required === 0) throw new Error(`${licences} names no dependency that npm knows`);
mkdirSync(path.dirname(output), { recursive: true });
writeFileSync(
  output,
  // npm names the package by its folder.
  `${JSON.stringify({ ...bom, metadata: { ...bom.metadata, component: { ...bom.metadata.component, name } }, components }, null, 2)}\n`,
);
process.stdout.write(
  `${path.relative(root, output)}: ${String(components.length)} components, ${String(required)} of them inside the package\n`,
);
