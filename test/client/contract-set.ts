/** What any client does before any server that keeps the contract: run against the fake and against the real one. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { BffError, type ActiveState, type Bff, type SessionState } from '../../client/index.ts';

/**
 * A client in whose browser somebody is signed in who holds at least two roles, and has chosen none. The patient
 * 9000000009 is there, and 9000000998 is not.
 */
export interface Subject {
  readonly bff: Bff;
  readonly close: () => void;
}

export function describeClient(name: string, make: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject;
    let states: SessionState[] = [];
    beforeEach(async () => {
      subject = await make();
      states = [];
      subject.bff.session.subscribe(() => states.push(subject.bff.session.get()));
    });
    afterEach(() => subject.close());

    const active = (): ActiveState => {
      const state = subject.bff.session.get();
      if (state.status !== 'active') throw new Error(`the state is ${state.status}`);
      return state;
    };
    const refusal = async (call: Promise<unknown>): Promise<BffError> => {
      const error: unknown = await call.then(
        (value) => new Error(`it gave ${String(value)}`),
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(BffError);
      return error as BffError;
    };
    const patient = (id: string) => subject.bff.api('GET /api/pds/Patient/{id}', { parameters: { id } });
    const firstRole = (): string => active().roles.find(({ permitted }) => permitted !== false)?.roleId ?? '';

    test('shows who is signed in', () => {
      const state = active();
      expect(Object.keys(state).sort()).toEqual([
        'assurance',
        'expires',
        'handle',
        'remainingSeconds',
        'role',
        'roles',
        'serverTime',
        'status',
        'user',
        'warning',
      ]);
      expect(state).toMatchObject({ role: null, warning: false, expires: { bindingLimit: 'idle' } });
      expect(Object.keys(state.expires).sort()).toEqual([
        'absoluteAt',
        'at',
        'bindingLimit',
        'idleAt',
        'warnAt',
      ]);
      expect(+state.expires.at - +state.expires.warnAt).toBe(120_000);
      expect(state.roles.length).toBeGreaterThan(1);
      expect(state.remainingSeconds()).toBeGreaterThan(890);
      expect(state.remainingSeconds()).toBeLessThanOrEqual(900);
    });

    test('chooses a role, which changes the handle, and refuses one that is not held', async () => {
      const { handle } = active();
      expect(await refusal(subject.bff.chooseRole('123'))).toMatchObject({
        code: 'role_not_permitted',
        status: 403,
      });
      expect(active()).toMatchObject({ handle, role: null });
      const roleId = firstRole();
      await subject.bff.chooseRole(roleId);
      expect(active().role?.roleId).toBe(roleId);
      expect(active().handle).not.toBe(handle);
      expect(states.map(({ status }) => status)).toEqual(['active']);
    });

    test('extends the session, and keeps its name', async () => {
      const { handle } = active();
      await subject.bff.extend();
      expect(active()).toMatchObject({ handle });
      expect(active().remainingSeconds()).toBeGreaterThan(890);
    });

    test('calls an API, and gives its responses and its refusals', async () => {
      await subject.bff.chooseRole(firstRole());
      const response = await patient('9000000009');
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ resourceType: 'Patient', id: '9000000009' });
      expect(
        await (await subject.bff.fetch('/api/pds/Patient/9000000009', { background: true })).json(),
      ).toMatchObject({
        id: '9000000009',
      });
      const refused = await refusal(patient('9000000998'));
      expect(refused).toMatchObject({ code: 'upstream_refused', status: 404, problem: null });
      expect(await refused.response?.json()).toMatchObject({ resourceType: 'OperationOutcome' });
    });

    test('has no route that is not listed', async () => {
      const calls = [() => subject.bff.api('GET /api/pds/Nothing'), () => subject.bff.fetch('/api/nothing')];
      for (const call of calls) {
        expect(await refusal(call())).toMatchObject({
          code: 'not_found',
          status: 404,
          problem: { code: 'not_found' },
        });
      }
    });

    test('ends a call whose signal is aborted', async () => {
      const call = subject.bff.api('GET /api/pds/Patient', { signal: AbortSignal.abort() });
      await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    });

    test('lists where the person is signed in, and ends nothing that is not theirs', async () => {
      const { handle } = active();
      const listed = await subject.bff.sessions();
      const here = listed.find(({ current }) => current);
      expect(here).toMatchObject({ handle, device: expect.any(String) });
      expect([here?.signedInAt, here?.lastActiveAt].map((instant) => instant instanceof Date)).toEqual([
        true,
        true,
      ]);
      expect(await refusal(subject.bff.endSession('of-somebody-else'))).toMatchObject({
        code: 'not_found',
        status: 404,
      });
      expect(active().handle).toBe(handle);
    });

    test('ends its own session by its name', async () => {
      await subject.bff.endSession(active().handle);
      expect(subject.bff.session.get()).toMatchObject({ status: 'ended', reason: 'revoked' });
      expect(await refusal(subject.bff.extend())).toMatchObject({ code: 'session_ended', status: 401 });
      expect(subject.bff.session.get()).toMatchObject({ status: 'ended', reason: 'revoked' });
    });

    test('signs out, after which nothing can be done', async () => {
      await subject.bff.signOut();
      expect(subject.bff.session.get()).toMatchObject({ status: 'ended', reason: 'signed_out' });
      const { bff } = subject;
      const calls = [
        bff.extend(),
        bff.chooseRole('1'),
        bff.sessions(),
        bff.endSession('x'),
        patient('9000000009'),
      ];
      for (const refused of await Promise.all(calls.map(refusal))) {
        expect(refused).toMatchObject({ code: 'session_required', status: 401 });
      }
      await bff.signOut();
      expect(bff.session.get()).toMatchObject({ status: 'ended', reason: 'signed_out' });
    });
  });
}
