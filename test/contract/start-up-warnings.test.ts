/** What an operator is told at the start of scopes that CIS2's assessors would have removed. */
import { expect, test } from '@jest/globals';
import type { Bff } from '../support/bff.ts';
import { useRigWithSettings, useSharedRig } from '../support/rig.ts';

const unneeded = useRigWithSettings({ CIS2_SCOPE: 'openid profile email professionalmemberships' });
const ordinary = useSharedRig();
const warned = ({ log }: Bff) => log.filter(({ event }) => event === 'scopes_unneeded');

test('scopes that are never used are named at the start, with the requirement, once a function that asks for them [CIS2-SC-003]', () => {
  const { bff } = unneeded;
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

test('nobody is warned of the scopes that the product comes with', () => {
  const { bff } = ordinary;
  expect(bff.output).not.toContain('scopes that are not used');
  expect(warned(bff)).toEqual([]);
});
