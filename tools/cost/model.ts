/** What a month costs on AWS, by counted calls and list prices. */
import { readFileSync } from 'node:fs';

/** Name → what it is, and what is taken where nobody says otherwise. Counts are for one sign-in unless they say more. */
export const assumptions = {
  'session-reads': [40, 'GET /auth/session'],
  connections: [0, 'connections to /auth/events, with sessionEvents'],
  'connection-minutes': [0, 'minutes of them together'],
  'api-calls': [40, 'proxied calls'],
  'other-requests': [3, 'login, callback and logout'],
  'session-ms': [6, 'time of a session read, ms'],
  'session-mb': [512, 'memory of the session function, MB'],
  'api-ms': [95, 'time of a proxied call, most of it waiting for the upstream, ms'],
  'api-mb': [512, 'memory of the proxy, MB'],
  'sign-in-ms': [270, 'time of login and callback together, ms'],
  'sign-in-mb': [1024, 'memory of the callback function, MB (login has half of it, and hardly takes time)'],
  'read-units': [1, 'read units of a session read: core and profile, 4 KB at most'],
  'api-read-units': [1, 'read units of a proxied call: core, profile and the platform’s tokens'],
  'sign-in-write-units': [
    9,
    'write units of a sign-in: core, profile, CIS2’s tokens, two indexes, the attempt',
  ],
  'clock-writes': [8, 'writes of the idle clock'],
  'clock-write-units': [1, 'write units of each'],
  'token-renewals': [2, 'exchanges and refreshes'],
  'renewal-write-units': [8, 'write units of each: two transactions with a check of the session'],
  'end-write-units': [4, 'write units of a session’s end'],
  'connection-write-units': [1, 'write units of a connection'],
  'request-bytes': [370, 'log line of a request with its metrics, bytes'],
  'api-bytes': [195, 'what a proxied call adds to its line, bytes'],
  'platform-bytes': [0, 'lines of the Lambda platform, bytes a request (about 400 where they are on)'],
  'audit-events': [3, 'audit events, each of which is logged twice: by its function, and in the audit trail'],
  'audit-bytes': [300, 'log line of an audit event, bytes'],
  'access-bytes': [300, 'access log of the gateway, bytes a request'],
  'firewall-rules': [10, 'rules of the web ACL; 0 for no web ACL'],
  metrics: [45, 'metrics, each value of a dimension counted'],
  alarms: [98, 'metrics that alarms watch: an alarm costs for each'],
  'canary-runs': [8640, 'runs of the canary a month (one in five minutes)'],
  'canary-ms': [3000, 'time of a run, ms, at 512 MB'],
  secrets: [4, 'secrets'],
  keys: [10, 'encryption keys'],
  uplift: [0, 'what the region is dearer than us-east-1, per cent'],
} as const satisfies Record<string, readonly [number, string]>;

export type Assumption = keyof typeof assumptions;
export type Assumed = Readonly<Record<Assumption, number>>;

export const defaults = Object.fromEntries(
  Object.entries(assumptions).map(([name, [value]]) => [name, value]),
) as Assumed;

/** How long one tab of a person is visible after a sign-in, taken for the rows below. */
const visibleMinutes = 10;
/** Each loaded page connects once, and reads the session then and when the push arrives. */
const pages = 2;
const withPush = (askSeconds: number): Partial<Assumed> => ({
  'session-reads': (visibleMinutes * 60) / askSeconds + 2 * pages,
  connections: pages,
  'connection-minutes': visibleMinutes,
});

/** How a page of the client library learns that its session has ended → the assumptions for it. */
export const waysToLearn: Readonly<Record<string, Partial<Assumed>>> = {
  'polls every 4 s, without options': { 'session-reads': (visibleMinutes * 60) / 4 },
  'gets a push, and polls every 30 s': withPush(30),
  'gets a push, and polls every 5 min': withPush(300),
  'does not poll': { 'session-reads': 0 },
};

export const priceList = JSON.parse(readFileSync(new URL('prices.json', import.meta.url), 'utf8')) as {
  readonly date: string;
  readonly region: string;
  readonly source: string;
  readonly prices: Readonly<Record<string, number>>;
};

/** A line of the bill → dollars a month. */
export type Bill = Readonly<Record<string, number>>;

/** CloudWatch Logs bills these for each event, beside its text. */
const eventBytes = 26;
const million = 1e6;
const gigabyte = 1e9;

/** @param signIns - in a month */
export function monthlyBill(signIns: number, a: Assumed = defaults): Bill {
  const price = (name: string): number => {
    const found = priceList.prices[name];
    if (found === undefined) throw new Error(`prices.json has no ${name}`);
    return found;
  };
  const [reads, calls] = [a['session-reads'] * signIns, a['api-calls'] * signIns];
  const connections = a.connections * signIns;
  const minutes = a['connection-minutes'] * signIns;
  const isPushed = connections + minutes > 0;
  // Each session ends once, by one message.
  const ends = isPushed ? signIns : 0;
  const requests = reads + calls + a['other-requests'] * signIns;
  const audited = a['audit-events'] * signIns;
  const gigabyteSeconds = (count: number, ms: number, mb: number): number =>
    (count * ms * mb) / 1_000 / 1_024;
  const seconds =
    gigabyteSeconds(reads + connections + ends, a['session-ms'], a['session-mb']) +
    gigabyteSeconds(calls, a['api-ms'], a['api-mb']) +
    gigabyteSeconds(signIns, a['sign-in-ms'], a['sign-in-mb']);
  const readUnits = reads * a['read-units'] + calls * a['api-read-units'];
  const writeUnits =
    signIns *
      (a['sign-in-write-units'] +
        a['clock-writes'] * a['clock-write-units'] +
        a['token-renewals'] * a['renewal-write-units'] +
        a['end-write-units']) +
    connections * a['connection-write-units'];
  const lineBytes = (bytes: number): number => (bytes === 0 ? 0 : bytes + eventBytes);
  const logBytes =
    requests *
      (lineBytes(a['request-bytes']) + lineBytes(a['platform-bytes']) + lineBytes(a['access-bytes'])) +
    (connections + ends) * lineBytes(a['request-bytes']) +
    calls * a['api-bytes'] +
    2 * audited * lineBytes(a['audit-bytes']);
  const firewall =
    a['firewall-rules'] === 0
      ? 0
      : price('firewallPerMonth') +
        a['firewall-rules'] * price('firewallPerRule') +
        ((requests + connections) / million) * price('firewallPerMillionRequests');
  const bill = {
    'HTTP API': (requests / million) * price('httpApiPerMillionRequests'),
    ...(isPushed
      ? {
          'WebSocket API':
            (ends / million) * price('webSocketApiPerMillionMessages') +
            (minutes / million) * price('webSocketApiPerMillionConnectionMinutes'),
        }
      : {}),
    CloudFront: ((requests + connections) / million) * price('cloudFrontPerMillionRequests'),
    Firewall: firewall,
    'Lambda time': seconds * price('lambdaPerGigabyteSecond'),
    // The function of the audit trail is called for several events at once as a rule.
    'Lambda requests':
      ((requests + connections + ends + audited) / million) * price('lambdaPerMillionRequests'),
    DynamoDB:
      (readUnits / million) * price('dynamoDbPerMillionReadUnits') +
      (writeUnits / million) * price('dynamoDbPerMillionWriteUnits'),
    Logs: (logBytes / gigabyte) * price('logsPerGigabyte'),
    'Metrics and alarms': a.metrics * price('metricPerMonth') + a.alarms * price('alarmPerMonth'),
    // A function of ours on a schedule.
    Canary:
      gigabyteSeconds(a['canary-runs'], a['canary-ms'], 512) * price('lambdaPerGigabyteSecond') +
      (a['canary-runs'] / million) * price('lambdaPerMillionRequests'),
    'Secrets and keys': a.secrets * price('secretPerMonth') + a.keys * price('encryptionKeyPerMonth'),
  };
  const factor = 1 + a.uplift / 100;
  const lines = Object.fromEntries(Object.entries(bill).map(([name, dollars]) => [name, dollars * factor]));
  return { ...lines, Total: Object.values(lines).reduce((sum, dollars) => sum + dollars, 0) };
}
