import { describe, expect, test } from '@jest/globals';
import { idsInTitle, idsOfTest, namesAnId } from './tags.ts';

describe('ids in a title', () => {
  test.each([
    ['refuses a logout token with a nonce [L-05]', ['L-05']],
    ['two at once [L-05, ASVS-10.5.5]', ['L-05', 'ASVS-10.5.5']],
    ['a module [oidcc-client-test-invalid-iss]', ['oidcc-client-test-invalid-iss']],
    ['one of CIS2’s [CIS2-SES-005]', ['CIS2-SES-005']],
    ['white space inside and behind [ B-01 ,B-02 ]  ', ['B-01', 'B-02']],
    ['other brackets before [1,2] [B-01]', ['B-01']],
  ])('%s', (title, ids) => {
    expect(idsInTitle(title)).toEqual(ids);
  });

  test.each([
    'none at all',
    '[B-01] at its beginning',
    'in the middle [B-01] of it',
    'in other brackets (B-01)',
    'a list of values: [1,2,3]',
    'an empty list: []',
    'a vector: ["A9A5A"]',
    'never closed [B-01',
  ])('are none in “%s”', (title) => {
    expect(idsInTitle(title)).toEqual([]);
  });

  test.each([
    'x [B-1]',
    'x [B01]',
    'x [ASVS 7.3.1]',
    'x [ASVS-7.3]',
    'x [CIS2 SES 005]',
    'x [OIDCC-client-test]',
    'x [B-01, ]',
    'x [B-01; B-02]',
  ])('that are badly written are seen, so that they can fail the run: %s', (title) => {
    const ids = idsInTitle(title);
    expect(ids.length).toBeGreaterThan(0);
    expect(ids.some((id) => !/^(?:B-\d\d|ASVS-\d+\.\d+\.\d+|CIS2-[A-Z]+-\d{3}|oidcc-.+)$/.test(id))).toBe(
      true,
    );
  });

  test('of a test are those of every title around it, each once', () => {
    expect(idsOfTest(['a group [B-09, B-11]', 'a smaller one', 'a test [B-11, C-10]'])).toEqual([
      'B-09',
      'B-11',
      'C-10',
    ]);
  });
});

describe('ids that a file names', () => {
  const ids = ['L-05', 'L-0', 'oidcc-client-test', 'oidcc-client-test-invalid-iss', 'ASVS-7.3.1', 'CIS2-BCL'];

  test.each([
    ["test('x [L-05, ASVS-7.3.1]', …", ['L-05', 'ASVS-7.3.1']],
    ["{ name: 'oidcc-client-test-invalid-iss' }", ['oidcc-client-test-invalid-iss']],
    ['// CIS2-BCL.', ['CIS2-BCL']],
    ['nothing', []],
    ['L-055 XL-05 ASVS-7.3.11', []],
  ])('%s', (source, named) => {
    expect(namesAnId(source, ids)).toEqual(named);
  });
});
