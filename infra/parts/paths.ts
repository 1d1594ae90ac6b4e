import { routes, type HttpFunctionName } from '../../lambdas/routes.ts';

/** The paths at which a function serves, each once. */
export const pathsOf = (name: HttpFunctionName): readonly string[] => [
  ...new Set(Object.keys(routes[name]).map((key) => key.slice(key.indexOf('/')))),
];
