/** Responses of the function that keeps the signing keys. */
import type { KeyView, LastRotation } from '../../ops/keys/responses.ts';

export const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

export const key = (kid: string, place: KeyView['place'], more: Partial<KeyView> = {}): KeyView => ({
  kid,
  place,
  createdAt: daysAgo(40),
  signingSince: place === 'next' ? null : daysAgo(10),
  publishedSince: daysAgo(40),
  ...more,
});

export const ring = (...kids: readonly [string, string, string]): KeyView[] => [
  key(kids[0], 'previous'),
  key(kids[1], 'current'),
  key(kids[2], 'next'),
];

export const statusOf = (
  keys: readonly KeyView[],
  lastRotation: LastRotation | null = null,
  more: Record<string, unknown> = {},
) => ({
  ok: true,
  purpose: 'cis2',
  keys,
  nextRotationAt: daysAgo(-20.1),
  lastRotation,
  publishedEqualsRing: true,
  leadSeconds: 0,
  custody: 'secret',
  ...more,
});

export const changeOf = (
  before: readonly KeyView[],
  after: readonly KeyView[],
  more: Record<string, unknown> = {},
) => ({ ok: true, dryRun: true, before, after, nextRotationAt: daysAgo(-30.1), notices: [], ...more });
