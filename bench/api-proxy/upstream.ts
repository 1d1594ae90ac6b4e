/** The upstream that all contestants call: one FHIR resource, at once. */
import { createLoopbackServer, listenOnLoopback } from '../../local/loopback-server.ts';

/** About as long as a patient is at PDS. */
const body = Buffer.from(
  JSON.stringify({
    resourceType: 'Patient',
    id: '9000000009',
    note: Array.from({ length: 40 }, (_, index) => `line ${String(index)} of an invented patient's record`),
  }),
);

const server = createLoopbackServer((request, response) => {
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
process.send?.(`http://127.0.0.1:${String(await listenOnLoopback(server))}`);
// Whoever measures is gone, so there is nothing left to do.
process.on('disconnect', () => process.exit());
