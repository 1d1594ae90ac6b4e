/**
 * CloudFront Function (viewer request) on the path of events. A WebSocket API answers at its stage and under no other path: the
 * origin's path names the stage.
 */
function handler(event) {
  const request = event.request;
  request.uri = '/';
  return request;
}
