import Sequencer from '@jest/test-sequencer';

/** Files that take over 40 seconds, the slowest first: begun last, one of them alone would hold up the end. */
const slowest = [
  'browser/pages',
  'browser/demo',
  'browser/demo-sessions',
  'faults/store',
  'browser/library',
  'infra/synthesis',
  'browser/waiting',
  'consumer/consumer',
  'rotation/long-cache',
].map((name) => `/test/${name}.test.ts`);

const rank = ({ path }) => {
  const index = slowest.findIndex((name) => path.replaceAll('\\', '/').endsWith(name));
  return index === -1 ? slowest.length : index;
};

export default class SlowestFirst extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((one, other) => rank(one) - rank(other));
  }
}
