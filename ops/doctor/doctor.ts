import type { Arguments, Command, Context } from '../command.ts';
import type { Installation } from '../installation.ts';
import { openKeys } from '../keys/service.ts';
import type { KeysStatus } from '../keys/responses.ts';
import type { LogEntry } from '../logs.ts';
import { table } from '../wording.ts';
import { checkAlarms, checkSubscriptions } from './alarms.ts';
import { checked, Fault, NotChecked, type Finding } from './check.ts';
import { ask } from './http.ts';
import { checkJwks, checkRing } from './keys.ts';
import {
  checkApiPlatform,
  checkApplication,
  checkAssertion,
  checkAuthorisation,
  checkClock,
  checkUpstream,
  checkUserInfo,
  discover,
  faultOfEntries,
  measuredClockDifference,
  tokenEvents,
  tokenHours,
  type Discovery,
} from './provider.ts';
import {
  beginSignIn,
  checkApp,
  checkBackchannel,
  checkCookie,
  checkGuards,
  checkHeaders,
  checkSite,
  checkStore,
  type Begun,
} from './site.ts';

export const doctor: Command = {
  name: 'doctor',
  operands: [],
  options: [],
  summary: 'checks the whole set-up from outside and inside, and says what to do about each fault',
  help: [
    'Calls the site as a browser and as CIS2 do, asks CIS2 for its metadata, begins a sign-in and ends it with a code that is',
    'none: CIS2 must take our client assertion and refuse the code. Looks at the app, upstreams, keys, clocks, cookies, headers and alarms. It changes',
    'nothing; it leaves a failed sign-in and a few refused requests in the log and the metrics. Exits 1 with any fault.',
  ],
  actions: [
    'cloudformation:DescribeStacks',
    'lambda:InvokeFunction',
    'logs:StartQuery',
    'logs:GetQueryResults',
    'cloudwatch:DescribeAlarms',
    'sns:ListSubscriptionsByTopic',
  ],
  readOnly: true,
  run: async (args, context) => {
    const installation = await context.open(args.target);
    const findings = await examine(installation, args, context);
    const faults = findings.filter(({ result }) => result === 'fault').length;
    return {
      failed: faults > 0,
      document: { ok: faults === 0, checks: findings },
      lines: [
        `Set-up of ${installation.label}`,
        '',
        ...table(
          findings.map(({ check, result, detail }) => [result === 'fault' ? 'FAULT' : result, check, detail]),
        ),
        ...findings.flatMap((finding) =>
          finding.result === 'fault'
            ? ['', `${finding.check}: ${finding.detail}`, `  ${finding.advice}`]
            : [],
        ),
        '',
        faults === 0 ? 'No fault found.' : `${String(faults)} ${faults === 1 ? 'fault' : 'faults'} found.`,
      ],
    };
  },
};

/** Between two looks whether the log has an entry by now, in milliseconds, and for how long it is looked for. */
const pauseMs = 2_000;
const maxWaitMs = 90_000;

async function examine(
  installation: Installation,
  args: Arguments,
  context: Context,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  /** The check's value where it holds; undefined where not. */
  const check = async <T>(
    name: string,
    work: () => Promise<readonly [string, T]>,
  ): Promise<T | undefined> => {
    let value: T | undefined;
    const finding = await checked(name, async () => {
      const [detail, found] = await work();
      value = found;
      return detail;
    });
    findings.push(finding);
    return value;
  };
  const plain = async (name: string, work: () => Promise<string> | string): Promise<void> => {
    await check(name, async () => [await work(), undefined]);
  };

  const jwksUrl = installation.output('JwksUrl');
  const baseUrl = new URL(jwksUrl).origin;
  const issuer = installation.output('Issuer');
  const clientId = installation.output('ClientId');

  await plain('site', () => checkSite(baseUrl));
  await plain('app', () => checkApp(baseUrl));
  await plain('store', () => checkStore(baseUrl));
  await plain('headers', () => checkHeaders(baseUrl));
  await plain('guards', () => checkGuards(baseUrl));
  await plain('back-channel', () => checkBackchannel(baseUrl));

  const discovery: Discovery | undefined = await check('discovery', async () => [
    `${issuer} says that it is`,
    await discover(issuer),
  ]);
  const begun = await check('login', () => begin(installation, baseUrl, context));
  const needLogin = (): Begun => {
    if (begun === undefined) throw new NotChecked('no sign-in can be begun');
    return begun;
  };
  await plain('cookie', () => checkCookie(needLogin()));
  await plain('authorisation', () => checkAuthorisation(needLogin(), discovery, { baseUrl, clientId }));

  await plain('userinfo', () => checkUserInfo(discovery));

  let tried: readonly LogEntry[] = [];
  const entries = await check('log', async () => {
    const reference = await endInVain(baseUrl, issuer, needLogin());
    tried = await entriesOf(installation, reference, context);
    if (tried.length === 0) {
      throw new Fault(
        'the log has no entry of a sign-in that was just tried',
        'Look whether the function callback writes its log, and whether these credentials may read it.',
      );
    }
    return ['has the sign-in that was tried', tried] as const;
  });
  const clockAhead = measuredClockDifference(tried) ?? discovery?.clockAhead;
  await plain('clock', () => checkClock(clockAhead));
  await plain('client assertion', () => {
    if (entries === undefined) throw new NotChecked('no sign-in could be tried');
    return checkAssertion(entries, clockAhead);
  });

  if (installation.hasOutput('ApiPlatformTokenUrl')) {
    await plain('api platform', () => checkApiPlatform(installation.output('ApiPlatformTokenUrl')));
    await plain('api platform credentials', async () =>
      checkApplication(await installation.logs.latestOf(tokenEvents, tokenHours), context.clock.now()),
    );
  }
  if (installation.hasOutput('UpstreamUrls')) {
    for (const [name, url] of upstreamsIn(installation.output('UpstreamUrls'))) {
      await plain(`upstream ${name}`, () => checkUpstream(name, url));
    }
  }

  const purposes = installation.hasOutput('ApiPlatformKeysSecretArn')
    ? (['cis2', 'api-platform'] as const)
    : (['cis2'] as const);
  for (const purpose of purposes) {
    const of = purpose === 'cis2' ? '' : ` of ${purpose}`;
    const opened = { open: () => Promise.resolve(installation) };
    const status: KeysStatus | undefined = await check(`keys${of}`, async () => {
      const keys = await openKeys({ target: args.target, purpose }, opened);
      const found = await keys.status();
      return [`${String(found.keys.length)} in the ring`, found];
    });
    if (status === undefined) continue;
    await plain(`rotation${of}`, () => checkRing(status, context.clock.now()));
    await plain(`jwks${of}`, () =>
      checkJwks(purpose === 'cis2' ? jwksUrl : `${baseUrl}/auth/jwks/api-platform.json`, status),
    );
  }

  const watched = async (where: string, { alarms, subscriptions }: Partial<Installation>): Promise<void> => {
    if (alarms !== undefined) await plain(`${where}alarms`, async () => checkAlarms(await alarms()));
    if (subscriptions === undefined) return;
    const { alarm, warning } = subscriptions;
    await plain(`${where}alarm subscriptions`, async () => checkSubscriptions(await alarm(), 'alarm'));
    await plain(`${where}warning subscriptions`, async () => checkSubscriptions(await warning(), 'warning'));
  };
  await watched('', installation);
  if (installation.edge !== undefined) await watched('edge ', installation.edge);
  return findings;
}

/** Name and base URL of each upstream. */
const upstreamsIn = (text: string): readonly (readonly [string, string])[] => {
  const urls = JSON.parse(text) as Readonly<Record<string, string>>;
  return Object.entries(urls);
};

async function begin(
  installation: Installation,
  baseUrl: string,
  context: Context,
): Promise<readonly [string, Begun]> {
  const begun = await beginSignIn(baseUrl);
  if (!('reference' in begun)) return ['leads to CIS2', begun];
  const what = 'GET /auth/login does not lead to CIS2';
  throw faultOfEntries(
    begun.reference === null ? [] : await entriesOf(installation, begun.reference, context),
    what,
  );
}

/** Ends a sign-in with a code that CIS2 never gave. @returns the reference of that request */
async function endInVain(baseUrl: string, issuer: string, { state, cookie }: Begun): Promise<string> {
  const query = new URLSearchParams({ code: 'doctor', state, iss: issuer });
  const response = await ask('the site', `${baseUrl}/auth/callback?${query.toString()}`, {
    headers: { cookie },
  });
  const reference = response.headers.get('x-request-id');
  if (reference !== null && /^[0-9A-Z-]{10,20}$/.test(reference)) return reference;
  throw new Fault(
    `GET /auth/callback answers ${String(response.status)} without a reference`,
    'Something before the function callback answers: the firewall, the gateway or a proxy. The callback’s query must pass.',
  );
}

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
