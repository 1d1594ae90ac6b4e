import { BffError, createBff, type SessionState } from 'cis2-bff/client';
import { BffProvider, useBff, useSession } from 'cis2-bff/client/react';
import { createFakeBff } from 'cis2-bff/client/testing';
import 'cis2-bff/client/timeout-dialog';
import type { upstreams } from '../bff.config.js';

const bff = createBff<typeof upstreams>();

export async function read(id: string): Promise<unknown> {
  // @ts-expect-error no such route
  void bff.api('GET /api/referrals/Nothing');
  // @ts-expect-error not one of the values
  void bff.api('GET /api/referrals/Referral/{id}', { parameters: { id }, query: { view: 'long' } });
  const response = await bff.api('GET /api/referrals/Referral/{id}', {
    parameters: { id },
    query: { view: 'full' },
  });
  return response.json();
}

export const statusOf = (state: SessionState): string => state.status;
export const isBffError = (error: unknown): error is BffError => error instanceof BffError;
export const fake = createFakeBff<typeof upstreams>({ session: { status: 'anonymous' } });
export const hooks = [BffProvider, useBff, useSession] as const;
export const dialog = document.querySelector('bff-timeout-dialog');
if (dialog !== null) dialog.client = bff;
