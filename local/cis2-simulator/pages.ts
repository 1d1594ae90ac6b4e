import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AuthorizationRequest } from './authorization-request.ts';
import type { ClientRegistration } from './client-assertion.ts';
import { html, type Html } from './html.ts';
import type { Answer } from './http.ts';
import { paths } from './metadata.ts';
import { personas, type Persona } from './personas.ts';

/**
 * The stylesheet: NHS.UK's, without its @font-face rules (they fetch a licensed font from another host), and the few
 * rules of our own pages.
 */
let stylesheetText: string | undefined;
export function stylesheet(): Answer {
  stylesheetText ??=
    readFileSync(
      createRequire(import.meta.url).resolve('nhsuk-frontend/dist/nhsuk/nhsuk-frontend.min.css'),
      'utf8',
    )
      .replace(/@font-face\s*\{[^}]*\}/g, '')
      .replace(/\/\*# sourceMappingURL=.*?\*\//g, '') +
    readFileSync(new URL('pages.css', import.meta.url), 'utf8');
  return {
    status: 200,
    headers: { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'private, max-age=300' },
    body: stylesheetText,
    outcome: 'stylesheet',
  };
}

/**
 * @param formTargets - origins a form on the page may lead to. Browsers hold the redirect after a form to
 *   `form-action` too, so the app that is signed in to must be among them.
 */
function page(
  status: number,
  title: string,
  main: Html,
  outcome: string,
  formTargets: readonly string[] = [],
): Answer {
  const body = html`<!doctype html>
    <html class="nhsuk-template" lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
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
              <span class="nhsuk-header__service-name">Care Identity simulator</span>
            </div>
          </div>
        </header>
        <div class="simulator-notice" role="region" aria-label="About this page">
          <p class="nhsuk-width-container">
            <strong>This is not the NHS.</strong> Everybody here is invented, and no smartcard, password or
            code is asked for.
          </p>
        </div>
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
      'referrer-policy': 'no-referrer',
    },
    body: body.text,
    outcome,
  };
}

const plural = (count: number, one: string, many: string): string =>
  `${count === 0 ? 'No' : String(count)} ${count === 1 ? one : many}`;

function personCard(persona: Persona, asked: readonly string[]): Html {
  const { uid, name, summary, authenticator, identityAssuranceLevel, roles } = persona;
  const met = asked.some((value) => authenticator.satisfies.includes(value));
  return html`<li class="simulator-person">
    <h3 class="simulator-person__name">
      <button name="uid" value="${uid}" aria-describedby="about-${uid} facts-${uid}">${name}</button>
    </h3>
    <p class="simulator-person__about" id="about-${uid}">${summary}</p>
    <p class="simulator-person__facts" id="facts-${uid}">
      <span>${uid}</span>
      <span>${authenticator.name}, level ${authenticator.level}</span>
      <span>Identity level ${identityAssuranceLevel}</span>
      <span>${plural(roles.length, 'role', 'roles')}</span>
    </p>
    ${met ? undefined : html`<strong class="nhsuk-tag nhsuk-tag--orange">Not what the app asked for</strong>`}
    <svg
      class="simulator-person__arrow"
      viewBox="0 0 24 24"
      width="24"
      height="24"
      aria-hidden="true"
      focusable="false"
    >
      <path d="M9 5l7 7-7 7" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" />
    </svg>
  </li>`;
}

const people = (title: string, group: Persona['group'], asked: readonly string[]): Html => html`
  <h2 class="nhsuk-heading-m">${title}</h2>
  <ul class="simulator-people">
    ${personas.filter((persona) => persona.group === group).map((persona) => personCard(persona, asked))}
  </ul>
`;

const row = (key: string, value: string): Html => html`
  <div class="nhsuk-summary-list__row">
    <dt class="nhsuk-summary-list__key">${key}</dt>
    <dd class="nhsuk-summary-list__value">${value}</dd>
  </div>
`;

/** The page where a person is chosen. `interaction` names the authorisation request it answers. */
export function signInPage(request: AuthorizationRequest, interaction: string): Answer {
  const { client, redirectUri, acrValues } = request;
  const app = new URL(redirectUri);
  const main = html`
    <h1 class="nhsuk-heading-l">Care Identity sign in <span>– simulator</span></h1>
    <p class="nhsuk-lede-text">
      Choose who to be. You go straight back to ${app.host}, signed in as that person.
    </p>
    <form method="post" action="${paths.signIn}">
      <input type="hidden" name="interaction" value="${interaction}" />
      ${people('People who work as expected', 'everyday', acrValues)}
      ${people('People an app has to cope with', 'awkward', acrValues)}
      <button class="nhsuk-button nhsuk-button--secondary nhsuk-u-margin-bottom-3" name="cancel" value="yes">
        Cancel
      </button>
      <p class="nhsuk-hint">Cancelling sends you back with the error <code>access_denied</code>.</p>
    </form>
    <details class="nhsuk-details">
      <summary class="nhsuk-details__summary">
        <span class="nhsuk-details__summary-text">What the app asked for</span>
      </summary>
      <div class="nhsuk-details__text">
        <dl class="nhsuk-summary-list">
          ${[
            row('client_id', client.clientId),
            row('redirect_uri', redirectUri),
            row('scope', request.scopes.join(' ')),
            row('acr_values', acrValues.join(' ')),
            row('prompt', request.prompt ?? 'not sent'),
            row('max_age', request.maxAge === undefined ? 'not sent' : `${String(request.maxAge)} seconds`),
            row('PKCE', request.codeChallenge === undefined ? 'not used' : 'S256'),
          ]}
        </dl>
      </div>
    </details>
  `;
  const title = 'Care Identity sign in – simulator';
  return page(200, title, main, `sign-in page for ${client.clientId}`, [app.origin]);
}

/** Shown where a redirect could land anywhere: the person stays here. */
export function untrustedRequestPage(fault: string, client: ClientRegistration | undefined): Answer {
  const main = html`
    <h1 class="nhsuk-heading-l">This sign-in cannot go on</h1>
    <p>${fault}</p>
    ${
      client &&
      html`<p>Registered for ${client.clientId}:</p>
        <ul class="nhsuk-list nhsuk-list--bullet">
          ${client.redirectUris.map((uri) => html`<li><code>${uri}</code></li>`)}
        </ul>
        <p>A redirect_uri has to be the same, character by character.</p>`
    }
  `;
  return page(400, 'This sign-in cannot go on – simulator', main, fault);
}

export const expiredPage = (): Answer =>
  page(
    400,
    'This sign-in has run out – simulator',
    html`
      <h1 class="nhsuk-heading-l">This sign-in has run out</h1>
      <p>It was left for more than ten minutes. Go back to the app and sign in again.</p>
    `,
    'sign-in page has expired',
  );

export const unknownPersonPage = (): Answer =>
  page(
    400,
    'Nobody was chosen – simulator',
    html`
      <h1 class="nhsuk-heading-l">Nobody was chosen</h1>
      <p>Go back and choose one of the people on the page.</p>
    `,
    'no known person chosen',
  );
