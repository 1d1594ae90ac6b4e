/** What an operator is told at the start of scopes that CIS2's assessors would have removed. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Bff } from '../support/bff.ts';
import { Provider } from '../support/provider.ts';
import { clientId } from '../support/rig.ts';

let provider: Provider;
beforeAll(async () => {
  provider = await Provider.start();
});
afterAll(() => provider.close());

const startedWith = async (settings: Record<string, string>): Promise<Bff> => {
  const bff = await Bff.start({ issuer: provider.issuer, 'client-id': clientId }, settings);
  await bff.stop();
  return bff;
};
const warned = ({ log }: Bff) => log.filter(({ event }) => event === 'scopes_unneeded');

test('scopes that are never used are named at the start, with the requirement, once a function that asks for them [CIS2-SC-003]', async () => {
  const bff = await startedWith({ CIS2_SCOPE: 'openid profile email professionalmemberships' });
  expect(bff.output).toContain(
    'scopes that are not used: email, professionalmemberships (NHS CIA SC Req 003)',
  );
  expect(warned(bff)).toEqual([
    expect.objectContaining({
      level: 'warn',
      function: 'login',
      scopes: ['email', 'professionalmemberships'],
      requirement: 'NHS CIA SC Req 003',
    }),
  ]);
});

test('nobody is warned of the scopes that the product comes with', async () => {
  const bff = await startedWith({});
  expect(bff.output).not.toContain('scopes that are not used');
  expect(warned(bff)).toEqual([]);
});
