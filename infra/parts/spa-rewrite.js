/**
 * CloudFront Function (viewer request) on the SPA's paths: a deep link such as /patients/1 has no file of its own and
 * gets the SPA's document; a path with a file extension is a file, found or not.
 */
function handler(event) {
  const request = event.request;
  const lastSegment = request.uri.slice(request.uri.lastIndexOf('/') + 1);
  if (!lastSegment.includes('.')) request.uri = '/index.html';
  return request;
}
