export { clearCookie, readCookie, setCookie } from './cookies.ts';
export { edgeCheck } from './edge-check.ts';
export {
  httpFunction,
  proxyFunction,
  unknownRouteFunction,
  type LambdaHandler,
  type ProxiedRoute,
  type RouteHandler,
} from './function.ts';
export { acceptedMediaType } from './guards.ts';
export { Problem, toProblem, type ProblemCode } from './problem.ts';
export { isNavigation, type HttpRequest } from './request.ts';
export { json, redirect, redirectToErrorPage, type HttpResponse } from './response.ts';
export { parseOwnPath, parseReturnTo } from './return-to.ts';
export { connectFunction, type ConnectEvent, type ConnectHandler } from './websocket.ts';
