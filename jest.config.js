/** ESM throughout (jose, oauth4webapi and middy publish nothing else); TypeScript is stripped by esbuild. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/transform.js' },
  reporters: ['default', '<rootDir>/test/support/count-reporter.js'],
  // Two cores: most tests drive a whole running product, which has several threads of its own.
  maxWorkers: 2,
  // A machine that is a quarter as fast must not fail what is right.
  testTimeout: 120_000,
  modulePathIgnorePatterns: ['<rootDir>/build', '<rootDir>/cdk.out', '<rootDir>/dist'],
};
