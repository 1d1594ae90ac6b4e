export {
  ManifestInvalid,
  type ApiRoute,
  type Method,
  type TokenKind,
  type UpstreamDefinition,
} from './definition.ts';
export { forward, newTrace, type Trace } from './forward.ts';
export { apiRoutes, upstreamNames } from './manifest.ts';
export {
  acceptedEncoding,
  acceptedType,
  acceptHeaders,
  acceptQuery,
  acceptsParameter,
  correlationId,
  upstreamHeaders,
  upstreamUrl,
} from './request.ts';
export { passedHeaders } from './response.ts';
export {
  createUpstreamClient,
  UpstreamInvalid,
  UpstreamTimeout,
  type UpstreamAnswer,
  type UpstreamCall,
  type UpstreamClient,
} from './upstream.ts';
