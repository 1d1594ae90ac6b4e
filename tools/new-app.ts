/** `npm run new-app -- DIR`: a small app that uses the package, with the tarball of this checkout. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const { version, packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
  version: string;
  packages: Record<string, { version: string }>;
};
/** The versions that this repository is tested with. */
const versionsOf = (...names: readonly string[]): Record<string, string | undefined> =>
  Object.fromEntries(names.map((name) => [name, packages[`node_modules/${name}`]?.version]));

function newApp(directory: string): void {
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new Error(`${directory} is not empty`);
  cpSync(path.join(root, 'templates/app'), directory, { recursive: true });
  renameSync(path.join(directory, 'gitignore'), path.join(directory, '.gitignore'));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: root, stdio: 'ignore' });
  const about = {
    name: path.basename(directory).toLowerCase(),
    private: true,
    type: 'module',
    engines: { node: '>=22.18' },
    scripts: {
      start: 'vite build --logLevel warn && exec cis2-bff dev',
      dev: 'exec vite',
      test: 'tsc && node --test',
    },
    dependencies: {
      'cis2-bff': `file:cis2-bff-${version}.tgz`,
      ...versionsOf('aws-cdk-lib', 'constructs', 'react', 'react-dom'),
    },
    devDependencies: versionsOf(
      ...['@types/node', '@types/react', '@types/react-dom', '@vitejs/plugin-react', 'aws-cdk'],
      ...['nhsuk-frontend', 'sass', 'typescript', 'vite'],
    ),
  };
  writeFileSync(path.join(directory, 'package.json'), `${JSON.stringify(about, undefined, 2)}\n`);
  execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts', '--prefer-offline'], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  process.stdout.write(`${directory} is ready: in it, npm ci && npm start\n`);
}

const [directory, ...rest] = process.argv.slice(2);
if (directory === undefined || directory.startsWith('-') || rest.length > 0) {
  process.stderr.write('usage: npm run new-app -- DIR\n');
  process.exitCode = 1;
} else {
  try {
    newApp(path.resolve(directory));
  } catch (error) {
    process.stderr.write(`new-app: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
