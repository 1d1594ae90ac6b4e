export { AddressRefused, guardedLookup, isPermitted } from './addresses.ts';
export {
  AnswerCut,
  ConnectionLost,
  createHttpClient,
  onceMoreIfLost,
  readBody,
  TooLarge,
  type Connection,
  type HttpClient,
  type OutboundRequest,
} from './http-client.ts';
