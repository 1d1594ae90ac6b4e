/** Reads the APIs of the template: where their routes lead. */
import type { ApiRoute } from '../edge/http-api.ts';
import type { WebSocketApi } from '../edge/session-events.ts';
import { StartError } from '../errors.ts';
import type { Functions } from './functions.ts';
import type { Assembly, JsonObject, Resource } from './template.ts';

/** What an HTTP API waits for a function when the template does not say, in milliseconds. */
const defaultIntegrationTimeout = 30_000;

interface Integration {
  readonly routeKey: string;
  readonly api: Resource | undefined;
  readonly properties: JsonObject;
  readonly target: Resource | undefined;
}

/** Where the routes of the APIs lead. */
export const integrations = (assembly: Assembly): Integration[] =>
  assembly.resources('AWS::ApiGatewayV2::Route').map((route) => {
    const integration = assembly.target(route.stack, route.properties['Target']);
    const uri = integration && assembly.target(integration.stack, integration.properties['IntegrationUri']);
    return {
      routeKey: assembly.text(route.stack, route.properties['RouteKey'] ?? ''),
      api: assembly.target(route.stack, route.properties['ApiId']),
      properties: integration?.properties ?? {},
      target: functionOf(assembly, uri),
    };
  });

/** The function that an alias stands for: here there is one version of it. */
export const functionOf = (assembly: Assembly, found: Resource | undefined): Resource | undefined =>
  found?.type === 'AWS::Lambda::Alias'
    ? assembly.target(found.stack, found.properties['FunctionName'])
    : found;

export const upstreamRoute = /^\S+ \/api\/([^/{}]+)\/\{proxy\+\}$/;

/**
 * The HTTP API of the template: its own name, and where its routes lead.
 *
 * @param upstreams - those that there are routes for, in place of those of the template
 */
export function readApi(
  assembly: Assembly,
  functions: Functions,
  upstreams: readonly string[] = upstreamsInTemplate(assembly),
): { routes: ApiRoute[]; identity: { id: string; domainName: string } } {
  const [api, another] = assembly
    .resources('AWS::ApiGatewayV2::Api')
    .filter((found) => !isWebSocketApi(found));
  if (api === undefined || another !== undefined) throw new StartError('the template must have one HTTP API');
  const id = 'localhttpapi';
  const routes = integrations(assembly)
    .filter((integration) => !isWebSocketApi(integration.api))
    .map(({ routeKey, properties, target }): ApiRoute => {
      if (properties['PayloadFormatVersion'] !== '2.0' || target?.type !== 'AWS::Lambda::Function') {
        throw new StartError(
          `the route ${routeKey} of the template does not lead to a function in format 2.0`,
        );
      }
      return {
        routeKey,
        function: functions.get(target),
        timeoutMilliseconds: Number(properties['TimeoutInMillis'] ?? defaultIntegrationTimeout),
      };
    });
  const proxy = routes.find(({ routeKey }) => upstreamRoute.test(routeKey));
  if (proxy === undefined && upstreams.length > 0) {
    throw new StartError('the template has no route of an upstream');
  }
  return {
    routes: [
      ...routes.filter(({ routeKey }) => !upstreamRoute.test(routeKey)),
      ...(proxy === undefined
        ? []
        : upstreams.map((name) => ({ ...proxy, routeKey: `ANY /api/${name}/{proxy+}` }))),
    ],
    identity: { id, domainName: `${id}.execute-api.${assembly.regionOf(api)}.amazonaws.com` },
  };
}

/** Whether an API of the template is one for WebSockets. */
export const isWebSocketApi = (api: Resource | undefined): boolean =>
  api?.properties['ProtocolType'] === 'WEBSOCKET';

/**
 * The WebSocket API of the template: its own name, and the function that connections lead to.
 *
 * @throws StartError when it has other routes than `$connect`
 */
export function readWebSocketApi(assembly: Assembly, functions: Functions): WebSocketApi {
  const [connect, another] = integrations(assembly).filter(({ api }) => isWebSocketApi(api));
  if (
    connect?.target?.type !== 'AWS::Lambda::Function' ||
    connect.routeKey !== '$connect' ||
    another !== undefined
  ) {
    throw new StartError('the WebSocket API of the template must have the one route $connect, to a function');
  }
  const stage = assembly
    .resources('AWS::ApiGatewayV2::Stage')
    .find(({ stack, properties }) => isWebSocketApi(assembly.target(stack, properties['ApiId'])));
  const id = 'localwebsocketapi';
  return {
    id,
    domainName: `${id}.execute-api.${assembly.regionOf(connect.target)}.amazonaws.com`,
    stage: stage === undefined ? '' : assembly.text(stage.stack, stage.properties['StageName'] ?? ''),
    connect: functions.get(connect.target),
    timeoutMilliseconds: Number(connect.properties['TimeoutInMillis'] ?? defaultIntegrationTimeout),
  };
}

/** The upstreams of the API proxy, by the routes that lead to it. */
const upstreamsInTemplate = (assembly: Assembly): string[] =>
  integrations(assembly).flatMap(({ routeKey }) => upstreamRoute.exec(routeKey)?.[1] ?? []);
