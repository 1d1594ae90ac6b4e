export { clearCookie, readCookie, setCookie } from './cookies.ts';
export { httpFunction, unknownRouteFunction, type LambdaHandler, type RouteHandler } from './function.ts';
export { Problem, type ProblemCode } from './problem.ts';
export type { HttpRequest } from './request.ts';
export { json, redirect, type HttpResponse } from './response.ts';
export { parseOwnPath, parseReturnTo } from './return-to.ts';
