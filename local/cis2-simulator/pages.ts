import { isLoopback } from '../../lambdas/settings/index.ts';
import type { AuthorizationRequest } from './authorization-request.ts';
import type { ClientRegistration } from './clients.ts';
import { html, type Html } from './html.ts';
import type { HttpResponse } from '../control-panel/http.ts';
import { details, page, plural, summaryList, summaryRow } from './layout.ts';
import { controlPanelPaths, paths } from './metadata.ts';
import { personaGroups, personas, type NationalRole, type Persona } from './personas.ts';
import type { Cis2Session } from './sessions.ts';

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

/** What the request said, for whoever wonders why something is asked. */
const requestDetails = (request: AuthorizationRequest): Html => {
  const { client, redirectUri, acrValues, scopes, prompt, maxAge, codeChallenge } = request;
  return details(
    'What the app asked for',
    summaryList([
      summaryRow('client_id', client.clientId),
      summaryRow('redirect_uri', redirectUri),
      summaryRow('scope', scopes.join(' ')),
      summaryRow('acr_values', acrValues.join(' ')),
      summaryRow('prompt', prompt ?? 'not sent'),
      summaryRow('max_age', maxAge === undefined ? 'not sent' : `${String(maxAge)} seconds`),
      summaryRow('PKCE', codeChallenge === undefined ? 'not used' : 'S256'),
    ]),
  );
};

const cancelButton = html`
  <button
    class="nhsuk-button nhsuk-button--secondary nhsuk-u-margin-bottom-3"
    name="cancel"
    value="yes"
    formnovalidate
  >
    Cancel
  </button>
  <p class="nhsuk-hint">Cancelling sends you back with the error <code>access_denied</code>.</p>
`;

/** The page where a person is chosen. `interaction` names the authorisation request that it belongs to. */
export function signInPage(request: AuthorizationRequest, interaction: string): HttpResponse {
  const { client, redirectUri, acrValues } = request;
  const app = new URL(redirectUri);
  const main = html`
    <h1 class="nhsuk-heading-l">Care Identity sign in <span>– simulator</span></h1>
    <p class="nhsuk-lede-text">
      Choose who to be. You go straight back to ${app.host}, signed in as that person.
    </p>
    <form method="post" action="${paths.signIn}">
      <input type="hidden" name="interaction" value="${interaction}" />
      ${personaGroups.map(({ group, title }) => people(title, group, acrValues))} ${cancelButton}
    </form>
    ${requestDetails(request)}
    <p>
      To pull somebody’s smartcard, to slow the simulator down or to make it wrong:
      <a href="${controlPanelPaths.panel}">control panel</a>.
    </p>
  `;
  const title = 'Care Identity sign in';
  return page({
    title,
    main,
    outcome: `sign-in page for ${client.clientId}`,
    formTargets: [formTarget(app)],
  });
}

/** CIS2 shows a plain list up to here, and a search box above. */
const maxRolesInPlainList = 5;

const organisationName = ({ organisations }: Persona, orgCode: string): string => {
  const name = organisations.find(({ org_code }) => org_code === orgCode)?.org_name;
  return name === undefined || name === '' ? orgCode : `${name} (${orgCode})`;
};

/** The last part of a role's name, which is the job role, without the quotes around it. */
const jobRoleName = ({ role_name }: NationalRole): string =>
  role_name.split('":"').at(-1)?.replace(/^"|"$/g, '') ?? role_name;

/** The role of this person with this id. */
export const roleOf = (persona: Persona, roleId: string): NationalRole | undefined =>
  persona.roles.find(({ person_roleid }) => person_roleid === roleId);

interface RolePage {
  readonly request: AuthorizationRequest;
  readonly session: Cis2Session;
  readonly interaction: string;
  /** What the person has searched for. */
  readonly search?: string;
  /** The form came without a role of this person's. */
  readonly isMissing?: boolean;
}

/** The roles in which every word of a search occurs, in any letters. */
function rolesFound(persona: Persona, search: string): readonly NationalRole[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return persona.roles.filter((role) => {
    const text = [jobRoleName(role), role.role_code, organisationName(persona, role.org_code)].join(' ');
    return words.every((word) => text.toLowerCase().includes(word));
  });
}

const roleRadio = (persona: Persona, role: NationalRole, index: number): Html => html`
  <div class="nhsuk-radios__item">
    <input
      class="nhsuk-radios__input"
      id="role-${index}"
      name="role"
      type="radio"
      value="${role.person_roleid}"
      aria-describedby="place-${index}"
    />
    <label class="nhsuk-label nhsuk-radios__label" for="role-${index}">${jobRoleName(role)}</label>
    <div class="nhsuk-hint nhsuk-radios__hint" id="place-${index}">
      ${organisationName(persona, role.org_code)}
    </div>
  </div>
`;

const searchBox = (search: string): Html => html`
  <div class="nhsuk-form-group">
    <label class="nhsuk-label nhsuk-label--s" for="search">Search your roles</label>
    <div class="nhsuk-hint" id="search-hint">By job role, organisation name or code</div>
    <div class="simulator-search">
      <input
        class="nhsuk-input nhsuk-input--width-20"
        id="search"
        name="search"
        type="search"
        value="${search}"
        aria-describedby="search-hint"
        autocomplete="off"
        spellcheck="false"
      />
      <button class="nhsuk-button nhsuk-button--secondary" name="find" value="yes">Search</button>
    </div>
  </div>
`;

const missingRoleSummary = html`
  <div class="nhsuk-error-summary" aria-labelledby="error-title" role="alert">
    <h2 class="nhsuk-error-summary__title" id="error-title">There is a problem</h2>
    <div class="nhsuk-error-summary__body">
      <ul class="nhsuk-list nhsuk-error-summary__list">
        <li><a href="#role-0">Choose a role</a></li>
      </ul>
    </div>
  </div>
`;

/** The page where a role is chosen: CIS2's own role selection. It works without script, the search as well. */
export function rolePage(options: RolePage): HttpResponse {
  const { request, session, interaction, search = '', isMissing = false } = options;
  const { persona } = session;
  const hasSearch = persona.roles.length > maxRolesInPlainList;
  const found = hasSearch ? rolesFound(persona, search) : persona.roles;
  const main = html`
    ${isMissing ? missingRoleSummary : undefined}
    <h1 class="nhsuk-heading-l">Choose your role <span>– simulator</span></h1>
    <p class="nhsuk-lede-text">
      You are signed in as ${persona.name}, and have ${plural(persona.roles.length, 'role', 'roles')}.
    </p>
    <form method="post" action="${paths.selectRole}">
      <input type="hidden" name="interaction" value="${interaction}" />
      ${hasSearch ? searchBox(search) : undefined}
      <div class="nhsuk-form-group${isMissing ? ' nhsuk-form-group--error' : ''}">
        <fieldset class="nhsuk-fieldset">
          <legend class="nhsuk-fieldset__legend nhsuk-fieldset__legend--m">
            ${search === '' ? 'Your roles' : `${plural(found.length, 'role', 'roles')} found`}
          </legend>
          ${
            isMissing
              ? html`<span class="nhsuk-error-message">
                  <span class="nhsuk-u-visually-hidden">Error:</span> Choose a role
                </span>`
              : undefined
          }
          <div class="nhsuk-radios">${found.map((role, index) => roleRadio(persona, role, index))}</div>
        </fieldset>
      </div>
      ${found.length === 0 ? undefined : html`<button class="nhsuk-button">Continue</button>`} ${cancelButton}
    </form>
    ${requestDetails(request)}
  `;
  return page({
    title: 'Choose your role',
    main,
    outcome: `role page for ${request.client.clientId}`,
    formTargets: [formTarget(new URL(request.redirectUri))],
  });
}

/** A sign-in that cannot go on: the person stays here. */
const failurePage = (title: string, content: Html, outcome: string): HttpResponse =>
  page({
    status: 400,
    title,
    main: html`<h1 class="nhsuk-heading-l">${title}</h1>
      ${content}`,
    outcome,
  });

/** Shown where a redirect could land anywhere. */
export const untrustedRequestPage = (fault: string, client: ClientRegistration | undefined): HttpResponse =>
  failurePage(
    'This sign-in cannot go on',
    html`
      <p>${fault}</p>
      ${
        client &&
        html`<p>Registered for ${client.clientId}:</p>
          <ul class="nhsuk-list nhsuk-list--bullet">
            ${client.redirectUris.map((uri) => html`<li><code>${uri}</code></li>`)}
          </ul>
          <p>A redirect_uri has to be the same, character by character.</p>`
      }
    `,
    fault,
  );

export const expiredPage = (): HttpResponse =>
  failurePage(
    'This sign-in has run out',
    html`<p>
      It was left for more than ten minutes, or ended elsewhere in the meantime. Go back to the app and sign
      in again.
    </p>`,
    'sign-in page has expired',
  );

export const unknownPersonPage = (): HttpResponse =>
  failurePage(
    'Nobody was chosen',
    html`<p>Go back and choose one of the people on the page.</p>`,
    'no known person chosen',
  );

/** An app on this machine may send the browser on to its page's development server, which has another port. */
const formTarget = (app: URL): string =>
  isLoopback(app) ? `${app.protocol}//${app.hostname}:*` : app.origin;
