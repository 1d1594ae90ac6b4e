// As a CDK app of a few years' age has it: CommonJS.
const { App, Stack } = require('aws-cdk-lib');
const { Cis2Bff, cis2Issuers } = require('cis2-bff/cdk');
const { BffError, createBff } = require('cis2-bff/client');
const testing = require('cis2-bff/client/testing');

const app = new App();
new Cis2Bff(new Stack(app, 'App'), 'Bff', {
  production: false,
  baseUrl: 'https://app.example.nhs.uk',
  issuer: cis2Issuers.integration,
  clientId: 'consumer',
});
app.synth();

(async () => {
  const error = await testing
    .createFakeBff()
    .api('GET /api/none/at/all')
    .catch((thrown) => thrown);
  console.log(error instanceof BffError, testing.BffError === BffError, createBff().session.get().status);
})();
