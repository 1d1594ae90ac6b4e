import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { html, type Html } from './html.ts';
import type { HttpResponse } from '../control-panel/http.ts';
import { paths } from './metadata.ts';

/**
 * The stylesheet: NHS.UK's, without its @font-face rules (they fetch a licensed font from another host), and the few
 * rules of our own pages. In the package it is one file.
 */
export function readStylesheet(): string {
  const whole = new URL('simulator.css', import.meta.url);
  if (existsSync(whole)) return readFileSync(whole, 'utf8');
  const nhsuk = createRequire(import.meta.url).resolve('nhsuk-frontend/dist/nhsuk/nhsuk-frontend.min.css');
  return (
    readFileSync(nhsuk, 'utf8')
      .replace(/@font-face\s*\{[^}]*\}/g, '')
      .replace(/\/\*# sourceMappingURL=.*?\*\//g, '') +
    readFileSync(new URL('pages.css', import.meta.url), 'utf8')
  );
}

let stylesheetText: string | undefined;
export function stylesheet(): HttpResponse {
  stylesheetText ??= readStylesheet();
  return {
    status: 200,
    headers: { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'private, max-age=300' },
    body: stylesheetText,
    outcome: 'stylesheet',
  };
}

interface PageOptions {
  readonly status?: number;
  readonly title: string;
  readonly main: Html;
  readonly outcome: string;
  /** Whose page it is. @default the simulator's, which says that nobody here is real */
  readonly service?: string;
  /**
   * Origins a form on the page may lead to. Browsers hold the redirect after a form to `form-action` too, so the app that
   * is signed in to must be among them.
   */
  readonly formTargets?: readonly string[];
}

const notice = html`
  <div class="simulator-notice" role="region" aria-label="About this page">
    <p class="nhsuk-width-container">
      <strong>This is not the NHS.</strong> Everybody here is invented, and no smartcard, password or code is
      asked for.
    </p>
  </div>
`;

/** A whole page in the look of NHS services. */
export function page({
  status = 200,
  title,
  main,
  outcome,
  service,
  formTargets = [],
}: PageOptions): HttpResponse {
  const body = html`<!doctype html>
    <html class="nhsuk-template" lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title} – ${service ?? 'simulator'}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
        <meta name="theme-color" content="#005eb8" />
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${paths.stylesheet}" />
      </head>
      <body class="nhsuk-template__body">
        <a class="nhsuk-skip-link" href="#maincontent">Skip to main content</a>
        <header class="nhsuk-header" role="banner">
          <div class="nhsuk-header__container nhsuk-width-container">
            <div class="nhsuk-header__service">
              <span class="nhsuk-header__service-name">${service ?? 'Care Identity simulator'}</span>
            </div>
          </div>
        </header>
        ${service === undefined ? notice : undefined}
        <div class="nhsuk-width-container">
          <main class="nhsuk-main-wrapper" id="maincontent">${main}</main>
        </div>
      </body>
    </html>`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': [
        "default-src 'none'",
        "style-src 'self'",
        'img-src data:',
        `form-action ${["'self'", ...formTargets].join(' ')}`,
        "base-uri 'none'",
        "frame-ancestors 'none'",
      ].join('; '),
      // Under `no-referrer` a form would not say that it comes from here: its `Origin` would be `null`.
      'referrer-policy': 'same-origin',
    },
    body: body.text,
    outcome,
  };
}

/** `3 roles`, `1 role`, `No roles`. */
export const plural = (count: number, one: string, many: string): string =>
  `${count === 0 ? 'No' : String(count)} ${count === 1 ? one : many}`;

/** One row of a summary list. */
export const summaryRow = (key: string, value: string | Html): Html => html`
  <div class="nhsuk-summary-list__row">
    <dt class="nhsuk-summary-list__key">${key}</dt>
    <dd class="nhsuk-summary-list__value">${value}</dd>
  </div>
`;

/** What is shown once somebody asks for it. */
export const details = (summary: string, content: Html | readonly Html[]): Html => html`
  <details class="nhsuk-details">
    <summary class="nhsuk-details__summary">
      <span class="nhsuk-details__summary-text">${summary}</span>
    </summary>
    <div class="nhsuk-details__text">${content}</div>
  </details>
`;

export const summaryList = (rows: readonly Html[]): Html => html`
  <dl class="nhsuk-summary-list">${rows}</dl>
`;
