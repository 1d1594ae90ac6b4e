export { guardedLookup, isPermitted } from './addresses.ts';
export { addAssertion, sendSigned } from './client-assertion.ts';
export { fetchRequest, type FetchInit } from './fetch-request.ts';
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
