import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { BffError, createFakeBff, problemResponse, type FakeRoutes } from '../../client/testing/index.ts';
import { describeClient } from './contract-set.ts';

const role = (roleId: string) => ({
  ...{ roleId, roleCode: 'S8000:G8000:R8000', jobRoleCode: 'R8000', roleName: 'Nurse', orgCode: 'A9A5A' },
  ...{ orgName: 'EXAMPLE', activityCodes: [], workgroupCodes: [] },
});
const roles = [role('1'), role('2')];

const api: FakeRoutes = {
  'GET /api/pds/Patient': ({ query }) => Response.json(query),
  'GET /api/pds/Patient/{id}': ({ parameters: { id } }) =>
    id === '9000000009'
      ? Response.json({ resourceType: 'Patient', id })
      : Response.json({ resourceType: 'OperationOutcome' }, { status: 404 }),
  'POST /api/echo/{a}/{b}': ({ parameters, query, headers, body }) =>
    Response.json({ parameters, query, type: headers.get('content-type'), body }),
  'GET /api/step-up': () => problemResponse('step_up_required', { acr: 'AAL3_ANY' }),
  'GET /api/broken': () => {
    throw new BffError('upstream_timeout');
  },
};

describeClient('the fake', () => {
  const bff = createFakeBff({ session: { status: 'active', roles }, api });
  return Promise.resolve({ bff, close: () => undefined });
});

describe('the fake', () => {
  test('shows its first state at once: nobody, unless another is given', () => {
    expect(createFakeBff().session.get()).toEqual({ status: 'anonymous' });
    const error = new BffError('store_unavailable', { status: 503 });
    for (const session of [
      { status: 'loading' } as const,
      { status: 'unavailable', error } as const,
      { status: 'ended', reason: 'provider_logout', reference: null } as const,
    ]) {
      expect(createFakeBff({ session }).session.get()).toEqual(session);
    }
    expect(createFakeBff({ session: { status: 'active' } }).session.get()).toMatchObject({
      status: 'active',
      user: { name: 'Amara Okafor' },
      role: { roleId: '900000000777' },
    });
  });

  test('takes a whole state without its functions, at the time that the state tells', () => {
    const at = (time: string) => new Date(`2026-01-01T${time}.000Z`);
    const fake = createFakeBff({
      session: {
        status: 'active',
        handle: 'mine',
        user: { uid: '9', name: 'Ben Carter', givenName: 'Ben', familyName: 'Carter', title: null },
        assurance: { authentication: 2, identity: 3, methods: ['TOTP'], authenticatedAt: at('09:00:00') },
        role: role('2'),
        roles,
        expires: {
          ...{ at: at('09:15:00'), idleAt: at('09:15:00'), absoluteAt: at('21:00:00') },
          ...{ warnAt: at('09:13:00'), bindingLimit: 'idle' },
        },
        serverTime: at('09:00:00'),
        warning: false,
      },
    });
    const state = fake.session.get();
    expect(state).toMatchObject({
      handle: 'mine',
      user: { name: 'Ben Carter', title: null },
      role: { roleId: '2' },
    });
    expect(state).toMatchObject({ expires: { at: at('09:15:00') }, warning: false });
    expect(fake.session.get()).toBe(state);
  });

  test('lets time pass when it is told to: the warning comes, then the end', async () => {
    const fake = createFakeBff({ session: { status: 'active' } });
    const seen: unknown[] = [];
    fake.session.subscribe(() => {
      const state = fake.session.get();
      seen.push(state.status === 'active' ? [state.warning, state.remainingSeconds()] : state);
    });
    fake.tick(779);
    expect(seen).toEqual([]);
    fake.tick(1);
    expect(seen.splice(0)).toEqual([[true, 120]]);
    await fake.extend();
    expect(seen.splice(0)).toEqual([[false, 900]]);
    fake.tick(899);
    fake.tick(2);
    expect(seen.at(-1)).toMatchObject({ status: 'ended', reason: 'idle' });
  });

  test('ends at the absolute limit, which nothing moves', async () => {
    const fake = createFakeBff({
      session: { status: 'active', expires: { absoluteAt: new Date(Date.now() + 300_000) } },
    });
    await fake.extend();
    expect(fake.session.get()).toMatchObject({ expires: { bindingLimit: 'absolute' } });
    fake.tick(301);
    expect(fake.session.get()).toMatchObject({ status: 'ended', reason: 'absolute' });
  });

  test('shows whatever state it is given, and tells its listeners once', () => {
    const fake = createFakeBff();
    const seen: string[] = [];
    fake.session.subscribe(() => seen.push(fake.session.get().status));
    fake.set({ status: 'active', warning: true });
    expect(fake.session.get()).toMatchObject({ warning: true });
    fake.set({ status: 'ended', reason: 'revoked' });
    fake.set({ status: 'anonymous' });
    fake.set({ status: 'loading' });
    expect(seen).toEqual(['active', 'ended', 'anonymous', 'loading']);
  });

  test('remembers what was called and with what, and goes nowhere', async () => {
    const fake = createFakeBff({ session: { status: 'active', roles }, api });
    await fake.signIn({ reauth: true });
    await fake.chooseRole('2');
    await fake.api('GET /api/pds/Patient', { query: { given: ['A', 'B'], max: 2 } });
    await fake.signOut();
    expect(fake.calls).toEqual([
      { name: 'signIn', arguments: [{ reauth: true }] },
      { name: 'chooseRole', arguments: ['2'] },
      { name: 'api', arguments: ['GET /api/pds/Patient', { query: { given: ['A', 'B'], max: 2 } }] },
      { name: 'signOut', arguments: [] },
    ]);
  });

  test('gives a route what the call was made with', async () => {
    const fake = createFakeBff({ session: { status: 'active' }, api });
    const response = await fake.api('POST /api/echo/{a}/{b}', {
      parameters: { a: 'x/y', b: 7 },
      query: { one: 1, many: ['a', 'b'] },
      body: { c: true },
    });
    expect(await response.json()).toEqual({
      ...{ parameters: { a: 'x/y', b: '7' }, query: { one: '1', many: ['a', 'b'] } },
      ...{ type: 'application/json', body: { c: true } },
    });
    await expect(fake.api('GET /api/broken')).rejects.toMatchObject({
      code: 'upstream_timeout',
      status: 504,
    });
  });

  test('starts the sign-in that a call names, once', async () => {
    const fake = createFakeBff({ session: { status: 'active' }, api });
    for (let count = 0; count < 3; count += 1) {
      await expect(fake.api('GET /api/step-up')).rejects.toMatchObject({ code: 'step_up_required' });
    }
    expect(fake.calls.filter(({ name }) => name === 'signIn')).toEqual([
      { name: 'signIn', arguments: [{ acr: 'AAL3_ANY' }] },
    ]);
  });

  test('reaches nothing while it is unavailable', async () => {
    const fake = createFakeBff({
      session: { status: 'unavailable', error: new BffError('unreachable') },
      api,
    });
    await expect(fake.api('GET /api/pds/Patient')).rejects.toMatchObject({ code: 'unreachable' });
    fake.set({ status: 'unavailable', error: new BffError('store_unavailable', { status: 503 }) });
    await expect(fake.sessions()).rejects.toMatchObject({ code: 'store_unavailable', status: 503 });
  });
});

test('a problem has the status that the BFF gives it', () => {
  const source = readFileSync(join(import.meta.dirname, '../../lambdas/http/problem.ts'), 'utf8');
  const table = [...source.matchAll(/^ {2}(\w+): \[(\d{3}),/gm)];
  expect(table.length).toBeGreaterThan(15);
  for (const [, code = '', status] of table) {
    expect([code, problemResponse(code).status]).toEqual([code, Number(status)]);
  }
});
