import {
  attemptLifetimeSeconds,
  codeVerifierOf,
  nonceOf,
  openState,
  SignInRefused,
  type RelyingParty,
  type SignIn,
  type SignInAttempt,
} from '../cis2/index.ts';
import {
  deriveKey,
  withDeadline,
  type EpochMilliseconds,
  type PreciseClock,
  type Secret,
} from '../common/index.ts';
import { parseOwnPath, redirect, setCookie, type HttpRequest, type RouteHandler } from '../http/index.ts';
import {
  deviceName,
  identifierHash,
  type IdentifierKey,
  type SessionCredential,
  type SignInStore,
} from '../session/index.ts';
import type { Settings } from '../settings/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { presentedSecret } from './presented-session.ts';
import { signInFailure } from './sign-in-failure.ts';

export interface CallbackDependencies {
  readonly relyingParty: RelyingParty;
  /** Reads the signing key unless it is in memory. */
  readonly loadSigningKey: () => Promise<unknown>;
  /** The key of the hashes of users. */
  readonly loadIdentifierKey: () => Promise<IdentifierKey>;
  readonly sessions: SignInStore;
  readonly settings: Settings<
    | 'BASE_URL'
    | 'MINIMUM_AAL'
    | 'MINIMUM_IAL'
    | 'CONCURRENT_SESSIONS'
    | 'SESSIONS_PER_USER'
    | 'SIGN_IN_ERROR_PATH'
  >;
  readonly clock: PreciseClock;
}

/**
 * Time limit for CIS2 and the store together. Undoing a failed sign-in takes a little more: the whole stays within 8 s.
 */
const maxSignInMs = 5_500;

/** `GET /auth/callback`: ends a sign-in, successful or not, with a redirect into the app. */
export function callback(dependencies: CallbackDependencies): RouteHandler {
  const { settings, loadIdentifierKey } = dependencies;
  return async (request, log) => {
    let user: readonly string[] | undefined;
    try {
      const { credential, returnTo } = await withDeadline(maxSignInMs, (deadline) =>
        finishSignIn(dependencies, request, { log, onUser: (known) => (user = known) }, deadline),
      );
      return redirect(303, settings.BASE_URL + returnTo, [setCookie('session', credential.cookie.expose())]);
    } catch (error) {
      const person = user && (await personOf(user, loadIdentifierKey).catch(() => undefined));
      return signInFailure(settings, request, log, error, person);
    }
  };
}

/** The person as in the audit trail. The key is in memory: spending the attempt needs it. */
const personOf = async (
  user: readonly string[],
  loadIdentifierKey: CallbackDependencies['loadIdentifierKey'],
): Promise<string> => identifierHash(await loadIdentifierKey(), 'user', user);

async function finishSignIn(
  { relyingParty, loadSigningKey, loadIdentifierKey, sessions, settings, clock }: CallbackDependencies,
  request: HttpRequest,
  { log, onUser }: { log: Logger; onUser: (user: readonly string[]) => void },
  deadline: AbortSignal,
): Promise<{ credential: SessionCredential; returnTo: string }> {
  const now = clock();
  const { attempt, returnTo, browserSecret, state } = readAttempt(request, settings.BASE_URL, now);
  // A sign-in often takes longer than a key is cached: it is read while the attempt is spent.
  const keyLoaded = loadSigningKey().catch(() => undefined);
  // In parallel too. Without a result the person chooses the role again.
  const replacedRole =
    attempt.replaces === null
      ? undefined
      : sessions.replacedRole(attempt.replaces, deadline).catch(() => undefined);
  if (!(await sessions.spendAttempt(attempt.id, 2 * attemptLifetimeSeconds))) {
    throw new SignInRefused('login_expired', 'state used before');
  }
  await keyLoaded;
  const response = await relyingParty.readResponse(
    {
      parameters: request.query,
      state,
      nonce: nonceOf(browserSecret, attempt.id),
      codeVerifier: codeVerifierOf(browserSecret, attempt.id),
      assurance: {
        minimumAal: Math.max(settings.MINIMUM_AAL, attempt.requiredAal),
        minimumIal: settings.MINIMUM_IAL,
      },
      authenticatedSince: attempt.presenceDemanded ? attempt.startedAt : undefined,
    },
    deadline,
  );
  const signIn = await relyingParty.completeSignIn(response, deadline, onUser);
  const named = identifiers(signIn);
  const former = await replacedRole;
  // The role of another person is not carried over.
  const roleId = signIn.chosenRole((await former?.isOf(named.user)) === true ? former?.roleId : undefined);
  const created = await sessions.create(
    {
      worker: {
        ...signIn.worker,
        draftKey: draftKeyOf(await loadIdentifierKey(), settings.BASE_URL, named.user),
      },
      roleId,
      tokens: signIn.tokens,
      device: deviceName(request.headers['user-agent']),
      ...named,
      // The owner of the browser could forge a later start; a sign-in cannot begin after its callback.
      begunAt: attempt.startedAt < now ? attempt.startedAt : now,
      replaces: attempt.replaces ?? undefined,
      sessionsPerUser: settings.CONCURRENT_SESSIONS === 'newest-wins' ? 1 : settings.SESSIONS_PER_USER,
      reportOthers: settings.CONCURRENT_SESSIONS === 'ask',
    },
    deadline,
  );
  if (created === 'provider_logout') throw new SignInRefused('provider_logout', 'ended by CIS2 meanwhile');
  const { person } = created;
  if (created.ended > 0) log('session_ended', { person, reason: 'replaced', count: created.ended });
  log('sign_in_completed', {
    person,
    authenticationLevel: signIn.worker.assurance.authentication,
    identityLevel: signIn.worker.assurance.identity,
    roles: signIn.worker.roles.length,
    roleChosen: roleId !== null,
  });
  if (attempt.presenceDemanded && attempt.replaces !== null) {
    log('step_up_completed', { person, authenticationLevel: signIn.worker.assurance.authentication });
  }
  return { credential: created.credential, returnTo };
}

/** The checks that need neither CIS2 nor the store. */
function readAttempt(
  request: HttpRequest,
  baseUrl: string,
  now: EpochMilliseconds,
): { attempt: SignInAttempt; returnTo: string; browserSecret: Secret<Buffer>; state: string } {
  const [state, ...others] = request.query.getAll('state');
  const browserSecret = presentedSecret(request);
  if (state === undefined || others.length > 0) throw new SignInRefused('login_expired', 'no state');
  if (browserSecret === undefined) throw new SignInRefused('login_expired', 'no sign-in cookie');
  const attempt = openState(browserSecret, state, now);
  if (attempt === undefined)
    throw new SignInRefused('login_expired', 'state altered, old, or another browser’s');
  const returnTo = parseOwnPath(attempt.returnTo, baseUrl);
  if (returnTo === undefined) throw new SignInRefused('login_expired', 'state with a foreign address');
  return { attempt, returnTo, browserSecret, state };
}

/** Derived here and sealed in the session, so that no other function needs the identifier key. */
const draftKeyOf = (key: IdentifierKey, app: string, user: readonly string[]): string =>
  deriveKey(key, 'draft key', JSON.stringify([app, ...user]))
    .expose()
    .toString('base64url');

/** A person is `iss` and `sub` together, a CIS2 session `iss` and `sid`. */
const identifiers = ({ issuer, subject, providerSessionId }: SignIn) => ({
  user: [issuer, subject],
  providerSession: providerSessionId === undefined ? undefined : [issuer, providerSessionId],
});
