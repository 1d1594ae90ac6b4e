export { routesOf, type ApiRoute } from './api-routes.ts';
export { forward, newTrace, type Trace } from './forward.ts';
export { manifestFileName, ManifestUnusable, readManifestFile } from './manifest-file.ts';
export type { UpstreamDefinitions } from './manifest-types.ts';
export { acceptHeaders, acceptQuery, acceptsParameter, upstreamHeaders, upstreamUrl } from './request.ts';
export { passedHeaders } from './response.ts';
export {
  createUpstreamClient,
  UpstreamInvalid,
  UpstreamTimeout,
  type UpstreamClient,
  type UpstreamResponse,
} from './upstream.ts';
