/**
 * Tells people whose browser cannot start the page so, for "Checking…" would stand there for ever. It runs in browsers
 * that cannot read the page's own script, so it is written as for the oldest of them, and never built.
 */
(function () {
  'use strict';

  /* The first page that the page's own script shows takes both of these away. */
  var starting = document.getElementById('starting');
  var notStarted = document.getElementById('not-started');
  if (!starting || !notStarted) return;

  function tell() {
    if (!document.getElementById('starting')) return;
    starting.hidden = true;
    notStarted.hidden = false;
    document.title = 'This page cannot start in your browser – Example surgery';
  }

  /* What the page's own script cannot do without. A browser without modules runs none of it, and reports no error. */
  var canStart =
    'noModule' in document.createElement('script') &&
    'replaceChildren' in document.createElement('div') &&
    typeof HTMLDialogElement === 'function' &&
    'hasOwn' in Object &&
    'at' in Array.prototype;
  starting.hidden = false;
  if (!canStart) {
    /* Whatever of the page's own script can run leaves it at that. */
    notStarted.setAttribute('data-is-final', '');
    tell();
    return;
  }

  function onError(event) {
    /* Other files than scripts do not matter. */
    if (event.target === window || event.target.nodeName === 'SCRIPT') tell();
  }
  /* Captured, for the error of a script that did not load stays at its element. */
  window.addEventListener('error', onError, true);
  window.addEventListener('unhandledrejection', tell);
  /* Longer than the page's own script waits for a response. */
  window.setTimeout(tell, 20000);
})();
