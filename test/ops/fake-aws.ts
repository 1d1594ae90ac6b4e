/** What the operator's commands speak to, on the wire: Lambda, Secrets Manager, CloudFormation and CloudWatch, as far as they do. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface AwsResponse {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
}

export const awsError = (type: string, message: string, status = 400): AwsResponse => ({
  status,
  headers: { 'x-amzn-errortype': type },
  body: JSON.stringify({ __type: type, message, Message: message }),
});

/** What a function returned. */
export const returned = (value: unknown): AwsResponse => ({ status: 200, body: JSON.stringify(value) });

export type Event = Readonly<Record<string, unknown>>;

/** The output of a function that is called by the alias of its version in force. */
const liveArn = (name: string): string => `arn:aws:lambda:eu-west-2:000000000000:function:${name}:live`;

export class FakeAws {
  readonly port: number;
  /** Everything that came: `Invoke`, `RotateSecret`, `StartQuery` and so on, and what was in it. */
  readonly calls: {
    readonly action: string;
    readonly functionName: string | undefined;
    readonly input: Event;
    readonly authorization: string;
  }[] = [];
  outputs: Record<string, string> = {
    RotateSigningKeysFunction: 'rotate-signing-keys',
    KeysStatusFunction: liveArn('keys-status'),
    OperatorSessionsFunction: liveArn('operator-sessions'),
    FunctionLogGroups: 'session-logs,login-logs',
    AuditLogGroup: 'audit-logs',
    SigningKeysSecretArn: 'arn:aws:secretsmanager:eu-west-2:000000000000:secret:ring-AAAAAA',
  };
  /** `hang`: no response, the connection is cut. */
  invoke: (event: Event) => AwsResponse | 'hang' = () => returned(null);
  /** CloudWatch Logs. */
  logs: (operation: string, input: Event) => AwsResponse = () => returned({});
  rotateSecret: (input: Event) => AwsResponse = () => returned({});
  /** CloudWatch. */
  alarms: (authorization: string) => AwsResponse = () => returned({});
  /** Of a topic of the alarms. */
  subscriptions: (topicArn: string) => AwsResponse = () => subscriptionsTo([]);
  describeStacks: (name: string) => AwsResponse = (name) => stack(name, this.outputs);
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (request, response) => {
      void (async () => {
        const reply = this.#respond(request, Buffer.concat(await request.toArray()).toString());
        if (reply === 'hang') {
          request.socket.destroy();
          return;
        }
        response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
        response.end(reply.body);
      })();
    });
  }

  static async start(): Promise<FakeAws> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeAws(server);
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  #respond(request: IncomingMessage, body: string): AwsResponse | 'hang' {
    const [, functionName] =
      /^\/2015-03-31\/functions\/(?:arn:aws:lambda:eu-west-2:000000000000:function:(?=.*:live\/))?(rotate-signing-keys|keys-status|operator-sessions)(?::live)?\/invocations$/.exec(
        decodeURIComponent(request.url ?? ''),
      ) ?? [];
    const record = (action: string, input: Event): void => {
      this.calls.push({ action, functionName, input, authorization: request.headers.authorization ?? '' });
    };
    if (functionName !== undefined) {
      const event = JSON.parse(body) as Event;
      record('Invoke', event);
      return this.invoke(event);
    }
    if (request.headers['x-amz-target'] === 'secretsmanager.RotateSecret') {
      const input = JSON.parse(body) as Event;
      record('RotateSecret', input);
      return this.rotateSecret(input);
    }
    const [, operation] = /^Logs_20140328\.(.+)$/.exec(String(request.headers['x-amz-target'])) ?? [];
    if (operation !== undefined) {
      const input = JSON.parse(body) as Event;
      record(operation, input);
      return this.logs(operation, input);
    }
    if (request.headers['x-amz-target'] === 'GraniteServiceVersion20100801.DescribeAlarms') {
      const input = JSON.parse(body) as Event;
      record('DescribeAlarms', input);
      return this.alarms(request.headers.authorization ?? '');
    }
    const form = new URLSearchParams(body);
    record(form.get('Action') ?? 'unknown', Object.fromEntries(form));
    if (form.get('Action') === 'ListSubscriptionsByTopic') {
      return this.subscriptions(form.get('TopicArn') ?? '');
    }
    return this.describeStacks(form.get('StackName') ?? '');
  }

  get events(): Event[] {
    return this.calls.filter(({ action }) => action === 'Invoke').map(({ input }) => input);
  }

  /** Says what a local start on this fake's port would say. */
  pretendLocalStart(pid: number | string = process.pid): void {
    mkdirSync(join(root, 'build/local'), { recursive: true });
    writeFileSync(
      this.#stateFile,
      JSON.stringify({
        pid,
        baseUrl: `http://localhost:${String(this.port)}`,
        region: 'eu-west-2',
        endpoints: {
          dynamodb: this.url,
          secretsManager: this.url,
          kms: this.url,
          lambda: this.url,
          logs: this.url,
        },
        outputs: this.outputs,
      }),
    );
  }

  get #stateFile(): string {
    return join(root, 'build/local', `${String(this.port)}.json`);
  }

  async close(): Promise<void> {
    rmSync(this.#stateFile, { force: true });
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const xml = (status: number, body: string): AwsResponse => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body,
});

/** An output of a stack. */
export interface Output {
  readonly key: string;
  readonly value: string;
  readonly description?: string;
}

export const stack = (
  name: string,
  outputs: Readonly<Record<string, string>> | readonly Output[],
): AwsResponse =>
  xml(
    200,
    `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>
      <StackName>${name}</StackName><StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime>
      <Outputs>${(Array.isArray(outputs)
        ? (outputs as readonly Output[])
        : Object.entries(outputs).map(([key, value]): Output => ({ key, value: String(value) }))
      )
        .map(
          ({ key, value, description }) =>
            `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue>${description === undefined ? '' : `<Description>${description}</Description>`}</member>`,
        )
        .join('')}</Outputs>
    </member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  );

/** @param arns - of subscriptions, or what SNS writes in place of one */
export const subscriptionsTo = (arns: readonly string[]): AwsResponse =>
  xml(
    200,
    `<ListSubscriptionsByTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ListSubscriptionsByTopicResult>
      <Subscriptions>${arns
        .map(
          (arn) =>
            `<member><TopicArn>topic</TopicArn><Protocol>email</Protocol><SubscriptionArn>${arn}</SubscriptionArn><Owner>0</Owner><Endpoint>on-call@example.nhs.uk</Endpoint></member>`,
        )
        .join('')}</Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>`,
  );

export const stackError = (code: string, message: string, status = 400): AwsResponse =>
  xml(
    status,
    `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>0</RequestId></ErrorResponse>`,
  );
