import { describe, expect, test } from '@jest/globals';
import { escapeHtml, toPages } from './html.ts';
import { makeReport } from './report.ts';

const nasty = `<script>alert(1)</script>"' onmouseover='x' & <!-- \u0000 \u001b[31m`;

const facts = {
  id: nasty,
  startedAt: '2026-01-01T09:00:00.000Z',
  seconds: 1,
  only: nasty,
  commit: nasty,
  clean: false,
  node: nasty,
  packages: { [nasty]: nasty },
};

/** Every text of a report is hostile. */
function hostile(): string {
  const test = (titles: string[], outcome: 'passed' | 'failed') => ({
    file: nasty,
    titles,
    outcome,
    milliseconds: 1,
    exchanges: [{ at: 'product' as const, request: [nasty], response: [nasty] }],
  });
  const rows = [
    { id: 'B-01', section: nasty, level: 'M' as const, requirement: nasty, confidence: nasty, limits: nasty },
    { id: 'B-02', section: nasty, level: '' as const, requirement: nasty, open: { notBuiltYet: nasty } },
  ];
  const report = makeReport(
    { ...facts, only: null },
    [{ key: nasty, title: nasty, about: nasty, requirements: rows }],
    {
      tests: [test([nasty, 'x [B-01]'], 'passed'), test([nasty, 'y [B-02, B-99]'], 'failed')],
      broken: [nasty],
      screenshots: [],
    },
    () => [],
  );
  return Object.values(toPages({ ...report, run: facts })).join('\n');
}

describe('the page', () => {
  test('shows every text as text, wherever it stands', () => {
    const page = hostile();
    expect(page).not.toMatch(/<script|onmouseover='|<!-- /i);
    expect(page.match(/&lt;script&gt;/g)?.length).toBeGreaterThan(15);
    // eslint-disable-next-line no-control-regex -- they are what is looked for
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
    // Every attribute is closed where it should be: tags with quotes in a bad place would not match.
    for (const tag of page.replace(/<style>.*?<\/style>/s, '').match(/<[a-z][^>]*>/g) ?? []) {
      expect(tag).toMatch(/^<[a-z][a-z0-9]*(?: [a-z-]+="[^"<>]*")*>$/);
    }
  });

  test('asks for nothing from elsewhere, and runs no script', () => {
    const page = hostile();
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"`);
    expect(page).not.toMatch(/<(?:script|link|iframe|object|embed|form|base)\b|\bsrc=|url\(|@import/i);
    for (const [, address] of page.matchAll(/href="([^"]*)"/g))
      expect(address).toMatch(/^(?:index|demonstration|scriptalert1script[a-z0-9-]*)\.html(?:#[^"]*)?$/);
  });

  test.each([
    ['&<>"\'', '&amp;&lt;&gt;&quot;&#39;'],
    ['a\u0000b\u001bc\rd\te\n', 'a␀b␛c␍d\te\n'],
    ['£ – ’', '£ – ’'],
  ])('%j is written as %j', (text, written) => {
    expect(escapeHtml(text)).toBe(written);
  });
});
