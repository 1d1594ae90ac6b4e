export { guardedLookup, isPermitted } from './addresses.ts';
export { addAssertion, sendSigned, type AssertionSigner } from './client-assertion.ts';
export {
  ResponseTruncated,
  ConnectionLost,
  createHttpClient,
  retryIfLost,
  readBody,
  type Connection,
  type HttpClient,
  type OutboundRequest,
} from './http-client.ts';
