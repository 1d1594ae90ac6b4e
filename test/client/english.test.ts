/** What the library says in English. Whether the pages say it is a matter of the tests in a browser. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as english from '../../client/english/index.ts';
import { BffError, type Role, type SessionDetails } from '../../client/index.ts';

const role = (change: Partial<Role> = {}): Role => ({
  ...{
    roleId: '1',
    roleCode: 'S8000:G8000:R8000',
    jobRoleCode: 'R8000',
    roleName: 'Nurse',
    orgCode: 'A9A5A',
  },
  ...{ orgName: 'EXAMPLE HEALTH CENTRE', activityCodes: [], workgroupCodes: [], ...change },
});
const session = (uid: string, chosen: Role | null): SessionDetails =>
  ({ user: { uid, name: 'Amara Okafor', title: 'Dr' }, role: chosen }) as SessionDetails;

describe('a role', () => {
  test.each([
    [role(), 'Nurse (R8000)', 'EXAMPLE HEALTH CENTRE (A9A5A)', 'Nurse at EXAMPLE HEALTH CENTRE'],
    [
      role({ roleName: null, orgName: null }),
      'Role R8000',
      'Organisation A9A5A',
      'Role R8000 at Organisation A9A5A',
    ],
    [
      role({ roleName: null, jobRoleCode: null, orgName: null, orgCode: null }),
      'Role S8000:G8000:R8000',
      'Organisation not stated',
      'Role S8000:G8000:R8000 at Organisation not stated',
    ],
  ])('is named by what is known of it', (given, name, organisation, both) => {
    expect(english.roleName(given)).toBe(name);
    expect(english.organisationName(given)).toBe(organisation);
    expect(english.roleInWords(given)).toBe(both);
  });

  test.each([
    ['', true],
    ['nurse', true],
    ['health r8000', true],
    ['a9a5a', true],
    ['nurse trust', false],
  ])('is found, or not, by "%s"', (search, isFound) => {
    expect(english.roleMatches(role(), search)).toBe(isFound);
  });
});

test('a person is named with their title, and how they signed in by its name', () => {
  expect(english.personName(session('1', null).user)).toBe('Dr Amara Okafor');
  expect(english.personName({ ...session('1', null).user, title: null })).toBe('Amara Okafor');
  expect(english.methodNames(['N3_SMARTCARD', 'NEW'])).toBe('Smartcard (Identity Agent), NEW');
  expect(english.methodNames([])).toBe('Not stated');
});

test('a time is that of the day, and says which day when that is not today', () => {
  const now = new Date();
  expect(english.timeOfDay(now)).toMatch(/^\d\d:\d\d$/);
  expect(english.timeOfDay(new Date(2026, 0, 2, 10, 15))).toBe('10:15 on Friday 2 January');
});

test('a session that became another one is told of by what has changed', () => {
  const before = session('1', role());
  expect(english.changeText(before, session('2', null))).toEqual({
    heading: 'The session in this browser has changed',
    text: expect.stringContaining('the session of Dr Amara Okafor'),
  });
  const texts = [role(), role({ roleId: '2' }), null].map((chosen) =>
    english.changeText(before, session('1', chosen)),
  );
  expect(texts).toEqual([
    { text: 'You signed in again in another tab. This page goes on with that sign-in.' },
    { text: 'Your role was changed in another tab. You now work as Nurse at EXAMPLE HEALTH CENTRE.' },
    { text: 'Your role was changed in another tab. No role is chosen now.' },
  ]);
});

describe('a failed call', () => {
  const reference = '7K3M-9QX2-HABW';

  test('is told of by its code, with the reference where there is something to look up', () => {
    expect(english.failureText(new BffError('rate_limited'))).toBe(
      'There were too many requests. Wait a minute, then try again.',
    );
    expect(english.failureText(new BffError('upstream_timeout', { reference }))).toMatch(
      /^Another NHS service took too long\..* give this reference: 7K3M-9QX2-HABW\.$/,
    );
    expect(english.failureText(new BffError('session_ended', { reference }))).not.toContain(reference);
  });

  test.each(['upstream_refused', 'something_new', 'constructor', '__proto__'])(
    'with %s is one of any kind',
    (code) => {
      expect(english.failureText(new BffError(code))).toBe(
        'Something went wrong in this service. Try again.',
      );
    },
  );

  test.each([
    [400, 'Check what you entered.'],
    [403, 'You may not do this in your role.'],
    [404, 'Nothing was found. Check what you entered.'],
    [409, 'Somebody else has changed this record since you opened it. Load the page again.'],
    [412, 'Somebody else has changed this record since you opened it. Load the page again.'],
    [422, 'Check what you entered.'],
    [429, 'There were too many requests. Wait a minute, then try again.'],
    [500, 'Something went wrong in this service. Try again.'],
  ])('that the API refused with %d is told of by that status', (status, text) => {
    expect(english.failureText(new BffError('upstream_refused', { status }))).toBe(text);
  });

  test('for what was entered says so, whoever refused it', () => {
    expect(english.failureText(new BffError('invalid_request'))).toBe('Check what you entered.');
    expect(english.failureText(new BffError('not_found'))).toBe('Nothing was found. Check what you entered.');
  });
});

describe('a page of a failed sign-in', () => {
  test('has a text for every problem of the BFF', () => {
    const source = readFileSync(join(import.meta.dirname, '../../lambdas/http/problem.ts'), 'utf8');
    const codes = Array.from(source.matchAll(/^ {2}(\w+): \[\d{3},/gm), ([, code = '']) => code);
    expect(codes.length).toBeGreaterThan(15);
    const unknown = english.signInErrorText('unknown');
    expect(codes.filter((code) => english.signInErrorText(code) === unknown)).toEqual([]);
  });

  test('goes by the reason for which a role is required, where it is a known one', () => {
    expect(english.signInErrorText('role_required', 'no_role').heading).toBe(
      'Your Care Identity has no role',
    );
    expect(english.signInErrorText('role_required', 'new').heading).toBe(
      'You do not have a role for this service',
    );
    expect(english.signInErrorText('access_denied', 'no_role').heading).toBe('Sign-in was cancelled');
  });

  test.each([null, '', 'new', '__proto__', 'toString'])(
    'with the code %s says what is true of all',
    (code) => {
      expect(english.signInErrorText(code).heading).toBe('You were not signed in');
    },
  );
});

test('a page of an ended session goes by the reason', () => {
  expect(english.endText('revoked').heading).toBe('Your session was ended for you');
  expect(english.endText(null).heading).toBe('You are no longer signed in');
});
