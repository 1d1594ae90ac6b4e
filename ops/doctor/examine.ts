/** All checks of doctor, in the order in which they are shown. */
import { probeCode } from '../../lambdas/probe-code.ts';
import type { Context, Purpose, Target } from '../command.ts';
import { CommandFailed } from '../errors.ts';
import type { Installation } from '../installation.ts';
import { invocation } from '../invocation.ts';
import { openKeys } from '../keys/service.ts';
import type { LogEntry } from '../logs.ts';
import { checkAlarms, checkSubscriptions } from './alarms.ts';
import { Checks, Fault, NotChecked, type Finding } from './check.ts';
import { ask } from './http.ts';
import { checkJwks, checkRing, readRing, requireKeySet } from './keys.ts';
import {
  checkApiPlatform,
  checkApplication,
  checkAssertion,
  checkAuthorisation,
  checkClock,
  checkEndSession,
  checkUpstream,
  checkUserInfo,
  discover,
  faultOfEntries,
  measuredClockDifference,
  tokenEvents,
  tokenHours,
  type Discovery,
} from './provider.ts';
import { checkRecentRequests, checkRecentSignIns, recentHours } from './recent.ts';
import {
  beginSignIn,
  checkApp,
  checkBackchannel,
  checkCookie,
  checkGuards,
  checkHeaders,
  checkSite,
  checkStore,
  site,
  type StartedSignIn,
} from './site.ts';

interface Examination {
  readonly checks: Checks;
  readonly installation: Installation;
  readonly target: Target;
  readonly context: Context;
  readonly baseUrl: string;
  readonly issuer: string;
  readonly clientId: string;
  /** The command that shows the log entries of a reference. */
  readonly trace: (reference: string) => string;
}

export async function examine(
  installation: Installation,
  target: Target,
  context: Context,
): Promise<readonly Finding[]> {
  const checks = new Checks();
  const examination: Examination = {
    ...{ checks, installation, target, context },
    baseUrl: new URL(installation.output('JwksUrl')).origin,
    issuer: installation.output('Issuer'),
    clientId: installation.output('ClientId'),
    trace: (reference) => invocation(`trace ${reference}`, target),
  };
  // First: what the other checks provoke is not meant.
  await checkRecentFailures(examination);
  await checkTheSite(examination);
  await checkSignIn(examination);
  await checkServices(examination);
  await checkKeys(examination);
  await checkAlerting(examination);
  return checks.findings;
}

async function checkRecentFailures({ checks, installation, context, trace }: Examination): Promise<void> {
  let failures: Promise<readonly LogEntry[]> | undefined;
  const read = async (): Promise<readonly LogEntry[]> => {
    try {
      return await (failures ??= installation.logs.failures(recentHours));
    } catch (error) {
      // The check “log” says so as a fault.
      if (error instanceof CommandFailed) throw new NotChecked(`the log cannot be read: ${error.message}`);
      throw error;
    }
  };
  const now = context.clock.now();
  await checks.run('recent sign-ins', async () => checkRecentSignIns(await read(), now, trace));
  await checks.run('recent requests', async () => checkRecentRequests(await read(), now, trace));
}

async function checkTheSite({ checks, baseUrl }: Examination): Promise<void> {
  await checks.run('site', () => checkSite(baseUrl));
  await checks.run('app', () => checkApp(baseUrl));
  await checks.run('store', () => checkStore(baseUrl));
  await checks.run('headers', () => checkHeaders(baseUrl));
  await checks.run('guards', () => checkGuards(baseUrl));
  await checks.run('back-channel', () => checkBackchannel(baseUrl));
}

/** CIS2, and a sign-in with an invalid code. */
async function checkSignIn(examination: Examination): Promise<void> {
  const { checks, installation, baseUrl, issuer, clientId, context, trace } = examination;
  const discovery: Discovery | undefined = await checks.find('discovery', async () => [
    `${issuer} is reachable`,
    await discover(issuer),
  ]);
  const started = await checks.find('login', () => begin(examination, discovery !== undefined));
  const needLogin = (): StartedSignIn => {
    if (started === undefined) throw new NotChecked('no sign-in can be started');
    return started;
  };
  await checks.run('cookie', () => checkCookie(needLogin()));
  await checks.run('authorisation', () => checkAuthorisation(needLogin(), discovery, { baseUrl, clientId }));
  await checks.run('userinfo', () => checkUserInfo(discovery));
  const endSession = installation.hasOutput('EndSessionUrl') ? installation.output('EndSessionUrl') : 'off';
  if (endSession !== 'off') await checks.run('end session', () => checkEndSession(endSession));

  let tried: readonly LogEntry[] = [];
  const entries = await checks.find('log', async () => {
    const reference = await completeWithInvalidCode(examination, needLogin());
    tried = await entriesOf(installation, reference, context);
    if (tried.length === 0) {
      throw new Fault(
        'the log has no entry of a sign-in that was just tried',
        'Check that the function callback writes its log, and that these credentials may read it.',
      );
    }
    return ['has the sign-in that was tried', tried] as const;
  });
  const clockAhead = measuredClockDifference(tried) ?? discovery?.clockAhead;
  await checks.run('clock', () => checkClock(clockAhead));
  await checks.run('client assertion', () => {
    if (entries === undefined) throw new NotChecked('no sign-in could be tried');
    return checkAssertion(entries, clockAhead, trace);
  });
}

async function checkServices({ checks, installation, context }: Examination): Promise<void> {
  if (installation.hasOutput('ApiPlatformTokenUrl')) {
    await checks.run('api platform', () => checkApiPlatform(installation.output('ApiPlatformTokenUrl')));
    await checks.run('api platform credentials', async () =>
      checkApplication(await installation.logs.latestOf(tokenEvents, tokenHours), context.clock.now()),
    );
  }
  if (!installation.hasOutput('UpstreamUrls')) return;
  const upstreams = JSON.parse(installation.output('UpstreamUrls')) as Readonly<Record<string, string>>;
  for (const [name, url] of Object.entries(upstreams)) {
    await checks.run(`upstream ${name}`, () => checkUpstream(name, url));
  }
}

async function checkKeys(examination: Examination): Promise<void> {
  const { installation, baseUrl } = examination;
  await checkKeysOf('cis2', installation.output('JwksUrl'), examination);
  if (installation.hasOutput('ApiPlatformKeysSecretArn')) {
    await checkKeysOf('api-platform', `${baseUrl}/auth/jwks/api-platform.json`, examination);
  }
}

async function checkKeysOf(
  purpose: Purpose,
  jwksUrl: string,
  { checks, installation, target, context }: Examination,
): Promise<void> {
  const of = purpose === 'cis2' ? '' : ` of ${purpose}`;
  const publishAgain = `Run ${invocation('keys check', target)}, which publishes the ring again: docs/operations/rotation-failed.md#publish-again-now.`;
  const status = await checks.find(`keys${of}`, async () => {
    const keys = await openKeys({ target, purpose }, { open: () => Promise.resolve(installation) });
    const found = await readRing(keys, publishAgain);
    return [`${String(found.keys.length)} in the ring`, found];
  });
  const needRing = () => {
    if (status === undefined) throw new NotChecked('the ring of keys could not be read');
    return status;
  };
  await checks.run(`rotation${of}`, () => checkRing(needRing(), context.clock.now()));
  await checks.run(`jwks${of}`, async () => {
    const served = await requireKeySet(jwksUrl, publishAgain);
    return checkJwks(served, needRing());
  });
}

async function checkAlerting({ checks, installation }: Examination): Promise<void> {
  await checkAlarmsOf('', installation, checks);
  if (installation.edge !== undefined) await checkAlarmsOf('edge ', installation.edge, checks);
}

async function checkAlarmsOf(
  prefix: '' | 'edge ',
  { alarms, subscriptions }: Pick<Installation, 'alarms' | 'subscriptions'>,
  checks: Checks,
): Promise<void> {
  if (alarms !== undefined) await checks.run(`${prefix}alarms`, async () => checkAlarms(await alarms()));
  if (subscriptions === undefined) return;
  const { alarm, warning } = subscriptions;
  await checks.run(`${prefix}alarm subscriptions`, async () => checkSubscriptions(await alarm(), 'alarm'));
  await checks.run(`${prefix}warning subscriptions`, async () =>
    checkSubscriptions(await warning(), 'warning'),
  );
}

async function begin(
  { installation, baseUrl, context, trace }: Examination,
  isDiscovered: boolean,
): Promise<readonly [string, StartedSignIn]> {
  const started = await beginSignIn(baseUrl);
  if (!('reference' in started)) return ['leads to CIS2', started];
  const what = 'GET /auth/login does not lead to CIS2';
  if (!isDiscovered) {
    throw new Fault(what, 'This probably follows from the fault of the check discovery: fix that first.');
  }
  const { reference } = started;
  throw faultOfEntries(
    reference === null ? [] : await entriesOf(installation, reference, context),
    what,
    reference === null
      ? 'See the log of the function login.'
      : `Run ${trace(reference)}, or see the log of the function login.`,
  );
}

/** Completes a sign-in with a code that CIS2 never issued. @returns the reference of that request */
async function completeWithInvalidCode(
  { baseUrl, issuer }: Examination,
  { state, cookie }: StartedSignIn,
): Promise<string> {
  const query = new URLSearchParams({ code: probeCode, state, iss: issuer });
  const response = await ask(site, `${baseUrl}/auth/callback?${query.toString()}`, { headers: { cookie } });
  const reference = response.headers.get('x-request-id');
  if (reference !== null && /^[0-9A-Z-]{10,20}$/.test(reference)) return reference;
  throw new Fault(
    `GET /auth/callback answers ${String(response.status)} without a reference`,
    'Something before the function callback answers: the firewall, the gateway or a proxy. The callback’s query must pass.',
  );
}

/** Between two reads of the log, in milliseconds, and for how long it is read. */
const pauseMs = 2_000;
const maxWaitMs = 90_000;

/** The log of a request, once the line is there that ends it. */
async function entriesOf(
  { logs }: Installation,
  reference: string,
  { clock, io }: Context,
): Promise<readonly LogEntry[]> {
  const startedAt = clock.now();
  for (;;) {
    const entries = await logs.entriesOf(reference, 1);
    if (entries.some(({ event }) => event === 'request')) return entries;
    if (clock.now() - startedAt > maxWaitMs) return entries;
    io.note('waiting for the log …');
    await clock.sleep(pauseMs);
  }
}
