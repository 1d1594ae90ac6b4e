/** The workflow of GitHub Actions cannot run here: what can be known of it without running it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');
const directory = join(root, '.github/workflows');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly environment?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly needs?: string | readonly string[];
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly concurrency: { readonly group?: string };
  readonly jobs: Readonly<Record<string, Job>>;
}

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const workflows = readdirSync(directory).map((file) => {
  const text = readFileSync(join(directory, file), 'utf8');
  return { file, text, workflow: parse(text, { strict: true, uniqueKeys: true }) as Workflow };
});
const jobs = workflows.flatMap(({ file, workflow }) =>
  Object.entries(workflow.jobs).map(([name, job]) => ({ name: `${file}: ${name}`, job, workflow })),
);
const steps = jobs.flatMap(({ name, job }) => job.steps.map((step) => ({ name, step })));

describe('the workflows of GitHub Actions', () => {
  test('are there', () => {
    expect(workflows.length).toBeGreaterThan(0);
    expect(steps.length).toBeGreaterThan(10);
  });

  test('name every action by a whole commit, with its version beside it', () => {
    for (const { file, text } of workflows) {
      const lines = text.split('\n').filter((line) => /^\s*(?:-\s+)?uses:/.test(line));
      const used = steps.filter(({ name, step }) => name.startsWith(`${file}: `) && step.uses !== undefined);
      expect(lines.length).toBe(used.length);
      for (const line of lines) {
        expect(`${file}: ${line}`).toMatch(/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
      }
    }
  });

  test('run only npm scripts, commands and files that are there', () => {
    const text = steps.map(({ step }) => step.run ?? '').join('\n');
    const named = [...text.matchAll(/\bnpm (?:run (?:--silent )?([\w:-]+)|(test|start)\b)/g)].map(
      ([, script, short]) => script ?? short ?? '',
    );
    for (const needed of ['lint', 'typecheck', 'synth', 'test', 'sbom']) expect(named).toContain(needed);
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
    for (const [, command = ''] of text.matchAll(/\bnpx --no-install ([\w-]+)/g)) {
      expect(existsSync(join(root, 'node_modules/.bin', command))).toBe(true);
    }
    expect(text).not.toMatch(/\bnpx (?!--no-install)/);
  });

  test('use the bill of materials where the script writes it', () => {
    const { text } = workflows[0] ?? { text: '' };
    expect(readFileSync(join(root, 'tools/sbom.ts'), 'utf8')).toContain("'build', 'cis2-bff.cdx.json'");
    expect(text).toContain('sbom-path: build/cis2-bff.cdx.json');
  });

  test('give each job its own, least permissions and a time limit', () => {
    for (const { workflow } of workflows) {
      expect(workflow.permissions).toEqual({});
      expect(workflow.concurrency.group).toBeTruthy();
      expect(Object.keys(workflow.on)).not.toContain('pull_request_target');
      expect(Object.keys(workflow.on)).not.toContain('workflow_run');
    }
    for (const { name, job } of jobs) {
      expect([name, job.permissions?.['contents']]).toEqual([name, 'read']);
      expect(job['timeout-minutes']).toBeGreaterThan(0);
      // A token of this kind gets a role in AWS, or publishes: only behind the rules of an environment.
      if (job.permissions?.['id-token'] !== undefined) expect(job.environment).toBeTruthy();
    }
  });

  test('store no credentials and take none from secrets', () => {
    for (const { file, text } of workflows) {
      expect([
        file,
        /\bsecrets\b|aws-access-key-id|aws-secret-access-key|NODE_AUTH_TOKEN/.exec(text),
      ]).toEqual([file, null]);
    }
    for (const { name, step } of steps) {
      if (step.uses?.startsWith('actions/checkout@') === true) {
        expect([name, step.with?.['persist-credentials']]).toEqual([name, false]);
      }
    }
  });

  test('put nothing that somebody else writes into a shell script', () => {
    for (const { name, step } of steps)
      expect([name, step.run?.includes('${{') ?? false]).toEqual([name, false]);
  });

  test('install and synthesise before they take a role', () => {
    for (const { name, job } of jobs) {
      const role = job.steps.findIndex(({ uses }) => uses?.startsWith('aws-actions/') === true);
      if (role < 0) continue;
      const after = job.steps.slice(role).map(({ run }) => run ?? '');
      expect([name, after.filter((run) => /\bnpm (?:ci|install)\b|\bsynth\b/.test(run))]).toEqual([name, []]);
    }
  });

  test('hold every template against the schemas of its resources, by one version of cfn-lint, before the tests', () => {
    const runs = steps.filter(({ name }) => name.endsWith(': check')).map(({ step }) => step.run ?? '');
    const lint = runs.findIndex((run) =>
      /^pipx run cfn-lint==\d+\.\d+\.\d+ .*-- cdk\.out\/\*\.template\.json$/.test(run),
    );
    expect(lint).toBeGreaterThan(runs.indexOf('npm run synth'));
    expect(lint).toBeLessThan(runs.indexOf('npm test'));
  });

  test('run the release before and this one on one store', () => {
    const both = steps.filter(({ step }) => step.run?.includes('npm test -- test/releases') === true);
    expect(both.map(({ name }) => name)).toEqual([expect.stringMatching(/: side-by-side$/)]);
    const text = steps.map(({ step }) => step.run ?? '').join('\n');
    const test = readFileSync(join(root, 'test/releases/side-by-side.test.ts'), 'utf8');
    for (const part of [text, test]) expect(part).toContain('PREVIOUS_RELEASE');
  });

  describe('give a pull request an environment', () => {
    const found = workflows.find(({ file }) => file === 'pull-request.yml')?.workflow;
    const conditionOf = (name: string): string => found?.jobs[name]?.if ?? '';
    const scriptOf = (name: string): string =>
      (found?.jobs[name]?.steps ?? []).map(({ run }) => run ?? '').join('\n');
    const context = {
      open: "github.event.pull_request.state == 'open'",
      closed: "github.event.pull_request.state == 'closed'",
      labelled: "contains(github.event.pull_request.labels.*.name, 'environment')",
      ownBranch: 'github.event.pull_request.head.repo.full_name == github.repository',
      on: "vars.DEPLOY == 'on'",
    };

    test('while it is open and has the label, from a branch of this repository', () => {
      for (const part of [context.on, context.open, context.labelled, context.ownBranch]) {
        expect(conditionOf('first')).toContain(part);
      }
      expect(found?.jobs['update']?.needs).toBe('first');
      expect(found?.on['pull_request']).toEqual({
        types: ['labeled', 'unlabeled', 'synchronize', 'reopened', 'closed'],
      });
      expect(found?.jobs['update']?.steps.some(({ run }) => run?.includes('cdk deploy'))).toBe(true);
    });

    test('and destroy it when it is closed or the label goes, by code of the base, with the bucket emptied first', () => {
      for (const part of [context.on, context.closed, context.labelled, context.ownBranch]) {
        expect(conditionOf('destroy')).toContain(part);
      }
      expect(conditionOf('destroy')).toContain(
        "github.event.action == 'unlabeled' && github.event.label.name == 'environment'",
      );
      const script = scriptOf('destroy');
      expect(script.indexOf('aws s3 rm')).toBeGreaterThan(0);
      expect(script.indexOf('cdk destroy')).toBeGreaterThan(script.indexOf('aws s3 rm'));
      const checkout = found?.jobs['destroy']?.steps.find(({ uses }) =>
        uses?.startsWith('actions/checkout@'),
      );
      expect(checkout?.with?.['ref']).toContain('github.event.pull_request.base.sha');
    });

    test('by its own name and no other, and never in the middle of another run', () => {
      for (const name of Object.keys(found?.jobs ?? {})) {
        expect(found?.jobs[name]?.environment).toBe('pull-request');
        expect([...scriptOf(name).matchAll(/-c env=(\S+)/g)].map(([, env]) => env)).toEqual(['"pr-$NUMBER"']);
      }
      expect(found?.concurrency).toMatchObject({
        group: expect.stringContaining('github.event.number'),
        'cancel-in-progress': false,
      });
    });
  });

  test('deploy and publish only what was checked', () => {
    const needs = (name: string): readonly string[] => {
      const found = workflows.flatMap(({ workflow }) => workflow.jobs[name]?.needs ?? []).flat();
      return [...found, ...found.flatMap(needs)];
    };
    for (const checked of ['check', 'side-by-side']) {
      expect(needs('deploy')).toContain(checked);
      expect(needs('publish')).toContain(checked);
    }
  });
});
