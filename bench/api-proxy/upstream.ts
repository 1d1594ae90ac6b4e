/** The upstream that all contestants call: one FHIR resource, at once. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** About as long as a patient is at PDS. */
const body = Buffer.from(
  JSON.stringify({
    resourceType: 'Patient',
    id: '9000000009',
    note: Array.from({ length: 40 }, (_, index) => `line ${String(index)} of an invented patient's record`),
  }),
);

const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, {
    'content-type': 'application/fhir+json',
    'content-length': body.length,
    etag: 'W/"1"',
    'x-request-id': request.headers['x-request-id'] ?? '',
    'set-cookie': 'not=for-browsers',
    server: 'bench',
  });
  response.end(body);
});
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
});
// Whoever measures is gone, so there is nothing left to do.
process.on('disconnect', () => process.exit());
