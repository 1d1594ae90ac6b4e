/** The path of a route, with variable segments: `/auth/sessions/{handle}`. */
export type PathPattern = readonly (
  { readonly literal: string } | { readonly variable: string; readonly accepts: (value: string) => boolean }
)[];

const anyValue = (): boolean => true;

/**
 * @param path - as `routes.ts` writes it, and API Gateway with it
 * @param accepts - a variable's name → which values it accepts. @default any
 */
export const pathPattern = (
  path: string,
  accepts: Readonly<Record<string, (value: string) => boolean>> = {},
): PathPattern =>
  path.split('/').map((segment) => {
    const variable = /^\{([a-zA-Z]+)\}$/.exec(segment)?.[1];
    return variable === undefined
      ? { literal: segment }
      : { variable, accepts: accepts[variable] ?? anyValue };
  });

/**
 * A variable accepts only characters that need no escape in a path, so that decoding cannot change its meaning: no percent
 * sign, no slash, and neither `.` nor `..`, which would lead to another path.
 */
const isPlainSegment = (segment: string): boolean =>
  /^[A-Za-z0-9._~-]+$/.test(segment) && segment !== '.' && segment !== '..';

/** The values of a path's variables; undefined when the path does not match. */
export function matchPath(pattern: PathPattern, path: string): Readonly<Record<string, string>> | undefined {
  const segments = path.split('/');
  if (segments.length !== pattern.length) return undefined;
  const variables: Record<string, string> = {};
  for (const [position, part] of pattern.entries()) {
    const segment = segments[position] ?? '';
    if ('literal' in part) {
      if (part.literal !== segment) return undefined;
    } else if (isPlainSegment(segment) && part.accepts(segment)) variables[part.variable] = segment;
    else return undefined;
  }
  return variables;
}
