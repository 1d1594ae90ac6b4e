/**
 * CloudFront Function (viewer request) on the SPA's paths. A path that ends in the extension of a static file is a file,
 * found or not. Every other is a deep link, such as /patients/1 or /document/2.16.840.1.113883, and gets the SPA's document.
 */
const staticFile =
  /\.(?:avif|css|eot|gif|html?|ico|jpe?g|js|json|map|mjs|mp3|mp4|otf|pdf|png|svg|ttf|txt|wasm|webm|webmanifest|webp|woff2?|xml)$/i;

function handler(event) {
  const request = event.request;
  if (!staticFile.test(request.uri)) request.uri = '/index.html';
  return request;
}
