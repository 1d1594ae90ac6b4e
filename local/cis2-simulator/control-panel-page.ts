import { authorizationErrors, faultInWords, faultyEndpoints } from './effects.ts';
import { html, type Html } from './html.ts';
import type { HttpResponse } from '../control-panel/http.ts';
import type { ControlPanel } from './control-panel.ts';
import { details, page, summaryList, summaryRow } from './layout.ts';
import { lasting } from '../control-panel/input.ts';
import type { Delivery } from './logout-sender.ts';
import { logoutKinds } from './logout-token.ts';
import { controlPanelPaths } from './metadata.ts';
import { personaGroups } from './personas.ts';

type State = ControlPanel['state'];

/** What the form before did. */
export interface Notice {
  readonly message: string;
  readonly deliveries: readonly Delivery[];
  readonly failed: boolean;
}

const hidden = (name: string, value: string): Html =>
  html`<input type="hidden" name="${name}" value="${value}" />`;

/** A form that is one button. */
const buttonForm = (
  command: string,
  label: string,
  of: string,
  fields: readonly Html[],
  style = 'nhsuk-button--secondary',
): Html => html`
  <form method="post" action="${controlPanelPaths.form}${command}">
    ${fields}
    <button class="nhsuk-button ${style} panel-button">
      ${label}<span class="nhsuk-u-visually-hidden"> ${of}</span>
    </button>
  </form>
`;

/** A form of several fields. */
const fieldForm = (command: string, label: string, fields: readonly Html[]): Html => html`
  <form class="panel-form" method="post" action="${controlPanelPaths.form}${command}">
    ${fields}
    <button class="nhsuk-button nhsuk-button--secondary panel-button">${label}</button>
  </form>
`;

interface Field {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly width?: '3' | '5' | '10' | '20';
  readonly value?: string;
  readonly numeric?: boolean;
}

const input = ({ id, name, label, width = '5', value = '', numeric = false }: Field): Html => html`
  <div class="panel-field">
    <label class="nhsuk-label" for="${id}">${label}</label>
    <input
      class="nhsuk-input nhsuk-input--width-${width}"
      id="${id}"
      name="${name}"
      value="${value}"
      inputmode="${numeric ? 'numeric' : 'text'}"
      autocomplete="off"
      spellcheck="false"
    />
  </div>
`;

interface Option {
  readonly value: string;
  readonly label?: string;
}

const option = ({ value, label = value }: Option): Html => html`<option value="${value}">${label}</option>`;

const select = (
  id: string,
  name: string,
  label: string,
  options: readonly Option[],
  groups: readonly Html[] = [],
): Html => html`
  <div class="panel-field">
    <label class="nhsuk-label" for="${id}">${label}</label>
    <select class="nhsuk-select" id="${id}" name="${name}">
      ${[...options.map(option), ...groups]}
    </select>
  </div>
`;

const timesField = (id: string, what: string): Html =>
  input({
    id,
    name: 'times',
    label: `How many ${what} (empty: until switched off)`,
    width: '3',
    numeric: true,
  });

const section = (id: string, title: string, body: Html): Html => html`
  <section class="panel-section" aria-labelledby="${id}">
    <h2 class="nhsuk-heading-m" id="${id}">${title}</h2>
    ${body}
  </section>
`;

/** A list, or what is said where there is nothing to list. */
const listOf = (items: readonly Html[], otherwise: string): Html =>
  items.length === 0
    ? html`<p class="panel-none">${otherwise}</p>`
    : html`<ul class="panel-list">
        ${items}
      </ul>`;

/** Something that is switched on, with a button that switches it off again. */
const switchedOn = (what: Html, command: string, of: string, fields: readonly Html[]): Html =>
  html`<li class="panel-item panel-item__row">
    <p>${what}</p>
    ${buttonForm(command, 'Switch off', of, fields)}
  </li>`;

/** What came back, and whether that is what the kind of token should get. */
function outcomeOf({ kind, status, error }: Delivery): Html {
  const { expected } = logoutKinds[kind];
  if (status === undefined)
    return html`<strong class="nhsuk-tag nhsuk-tag--red">no answer: ${error}</strong>`;
  const accepted = status >= 200 && status < 300;
  const fits = expected === 'any' || accepted === (expected === 'accepted');
  return html`<strong class="nhsuk-tag nhsuk-tag--${fits ? 'green' : 'red'}">${status}</strong> ${
      fits ? undefined : `should have been ${expected}`
    }`;
}

const delivery = (sent: Delivery): Html => html`
  <li class="panel-item">
    <p class="panel-item__title">${sent.clientId} ${outcomeOf(sent)}</p>
    <p class="panel-facts">
      <span>${logoutKinds[sent.kind].label}</span>
      <span>${sent.milliseconds} ms</span>
      <span>${sent.at.slice(11, 19)}</span>
      <span>sub ${sent.sub ?? 'none'}</span>
      <span>sid ${sent.sid ?? 'none'}</span>
    </p>
    ${sent.body === undefined || sent.body === '' ? undefined : html`<p><code>${sent.body}</code></p>`}
  </li>
`;

const noticeOf = ({ message, deliveries: sent, failed }: Notice): Html => html`
  <div class="nhsuk-inset-text${failed ? ' panel-notice--failed' : ''}" role="${failed ? 'alert' : 'status'}">
    <span class="nhsuk-u-visually-hidden">${failed ? 'Not done: ' : 'Done: '}</span>
    <p>${message}</p>
    ${sent.length === 0 ? undefined : listOf(sent.map(delivery), '')}
  </div>
`;

const sessionItem = ({
  id,
  name,
  uid,
  sid,
  signedInAt,
  selectedRoleId,
  clients,
}: State['sessions'][number]): Html => html`
  <li class="panel-item">
    <div class="panel-item__row">
      <p class="panel-item__title">${name}</p>
      ${buttonForm(
        'pull',
        'Pull the smartcard',
        `of ${name}, signed in at ${signedInAt.slice(11, 19)}`,
        [hidden('session', id)],
        'nhsuk-button--warning',
      )}
    </div>
    <p class="panel-facts">
      <span>${uid}</span>
      <span>signed in at ${signedInAt.slice(11, 19)} UTC</span>
      <span>role ${selectedRoleId ?? 'not chosen here'}</span>
      <span>${clients.length === 0 ? 'no app yet' : `apps: ${clients.join(', ')}`}</span>
      <span>sid ${sid}</span>
    </p>
  </li>
`;

const sessionsSection = ({ sessions }: State): Html =>
  section(
    'sessions',
    'People signed in at CIS2',
    html`
      <p>
        Pulling a smartcard ends the CIS2 session and tells every app that this sign-in reached, once, by a
        back-channel logout token.
      </p>
      ${listOf(sessions.map(sessionItem), 'Nobody is signed in.')}
    `,
  );

const kindGroup = (label: string, expected: string): Html => html`
  <optgroup label="${label}">
    ${Object.entries(logoutKinds)
      .filter(([, kind]) => kind.expected === expected)
      .map(([value, { label: text }]) => option({ value, label: text }))}
  </optgroup>
`;

const logoutSection = ({ sessions, clients, deliveries: sent }: State): Html =>
  section(
    'logout',
    'Logout tokens, right and wrong',
    html`
      <p>Sends a token about a session, or about anybody, without ending the session here.</p>
      ${fieldForm('logout', 'Send', [
        select(
          'logout-kind',
          'kind',
          'Token',
          [],
          [
            kindGroup('To be accepted', 'accepted'),
            kindGroup('To be refused', 'refused'),
            kindGroup('Either: refused, or nothing happens', 'any'),
          ],
        ),
        select('logout-session', 'session', 'About the session of', [
          ...sessions.map(({ id, name, signedInAt }) => ({
            value: id,
            label: `${name}, ${signedInAt.slice(11, 19)}`,
          })),
          { value: '', label: 'nobody here: the sub and sid below' },
        ]),
        select('logout-client', 'client', 'To the app', [
          { value: '', label: 'every app of the session' },
          ...clients.map(({ clientId }) => ({ value: clientId })),
        ]),
        input({ id: 'logout-sub', name: 'sub', label: 'sub', width: '10' }),
        input({ id: 'logout-sid', name: 'sid', label: 'sid', width: '20' }),
      ])}
      <h3 class="nhsuk-heading-s">What the apps answered</h3>
      ${listOf(sent.map(delivery), 'No logout token has been sent.')}
    `,
  );

const switchedOnForSignIns = ({ claims, authorizationError }: State): Html[] => [
  ...(authorizationError === null
    ? []
    : [
        switchedOn(
          html`<code>${authorizationError.error}</code> is answered,
            ${lasting(authorizationError.remaining, 'sign-in')}`,
          'authorization-error',
          authorizationError.error,
          [hidden('error', 'off')],
        ),
      ]),
  ...claims.map((claim) =>
    switchedOn(
      html`${claim.in === 'idToken' ? 'ID token' : 'UserInfo'}: <code>${claim.name}</code> is
        ${'drop' in claim ? 'left out' : html`<code>${JSON.stringify(claim.value)}</code>`},
        ${lasting(claim.remaining, 'sign-in')}`,
      'claim',
      claim.name,
      [hidden('in', claim.in), hidden('name', claim.name), hidden('restore', 'true')],
    ),
  ),
];

const signInSection = (state: State): Html =>
  section(
    'sign-ins',
    'The next sign-ins',
    html`
      ${listOf(switchedOnForSignIns(state), 'They go on as usual.')}
      <h3 class="nhsuk-heading-s">Assurance levels</h3>
      ${fieldForm('levels', 'Set the levels', [
        input({ id: 'level-aal', name: 'authentication', label: 'Authentication (a value, or: missing)' }),
        input({ id: 'level-ial', name: 'identity', label: 'Identity (a value, or: missing)' }),
        timesField('level-times', 'sign-ins'),
      ])}
      <h3 class="nhsuk-heading-s">Any claim</h3>
      ${fieldForm('claim', 'Change the claim', [
        select('claim-in', 'in', 'In', [
          { value: 'idToken', label: 'the ID token' },
          { value: 'userInfo', label: 'UserInfo' },
        ]),
        input({ id: 'claim-name', name: 'name', label: 'Claim', width: '10' }),
        input({ id: 'claim-text', name: 'text', label: 'Value (JSON, or plain text)', width: '10' }),
        timesField('claim-times', 'sign-ins'),
        html`<div class="panel-field">
          <div class="nhsuk-checkboxes nhsuk-checkboxes--small">
            <div class="nhsuk-checkboxes__item">
              <input
                class="nhsuk-checkboxes__input"
                id="claim-drop"
                name="drop"
                type="checkbox"
                value="true"
              />
              <label class="nhsuk-label nhsuk-checkboxes__label" for="claim-drop">Leave it out</label>
            </div>
          </div>
        </div>`,
      ])}
      <h3 class="nhsuk-heading-s">An error in place of the sign-in</h3>
      ${fieldForm('authorization-error', 'Answer with the error', [
        select(
          'error-error',
          'error',
          'Error',
          authorizationErrors.map((value) => ({
            value,
            label: value === 'no_parameters' ? 'a redirect without any parameter' : value,
          })),
        ),
        input({
          id: 'error-times',
          name: 'times',
          label: 'How many sign-ins',
          width: '3',
          value: '1',
          numeric: true,
        }),
      ])}
    `,
  );

const faultsSection = ({ faults }: State): Html =>
  section(
    'faults',
    'Endpoints that fail',
    html`
      ${listOf(
        faults.map((fault) =>
          switchedOn(
            html`${fault.endpoint}: ${faultInWords(fault)}, ${lasting(fault.remaining, 'request')}`,
            'fault',
            fault.endpoint,
            [hidden('endpoint', fault.endpoint), hidden('kind', 'off')],
          ),
        ),
        'All of them work.',
      )}
      ${fieldForm('fault', 'Make it fail', [
        select(
          'fault-endpoint',
          'endpoint',
          'Endpoint',
          faultyEndpoints.map((value) => ({ value })),
        ),
        select('fault-kind', 'kind', 'What happens', [
          { value: 'status', label: 'it answers the status below' },
          { value: 'slow', label: 'it is late by the milliseconds below' },
          { value: 'reset', label: 'the connection is cut' },
          { value: 'html', label: 'an HTML page comes in place of JSON' },
        ]),
        input({ id: 'fault-status', name: 'status', label: 'Status', value: '503', numeric: true }),
        input({ id: 'fault-ms', name: 'milliseconds', label: 'Milliseconds', value: '5000', numeric: true }),
        timesField('fault-times', 'requests'),
      ])}
    `,
  );

const keysSection = ({ keys }: State): Html =>
  section(
    'keys',
    'Signing keys',
    html`
      <ul class="panel-list">
        ${keys.map(
          ({ kid, published, signing }) =>
            html`<li class="panel-item">
              <p>
                <code>${kid}</code>
                ${signing ? html`<strong class="nhsuk-tag">signs</strong>` : undefined}
                <strong class="nhsuk-tag nhsuk-tag--${published ? 'green' : 'grey'}"
                  >${published ? 'published' : 'withdrawn'}</strong
                >
              </p>
            </li>`,
        )}
      </ul>
      <div class="panel-buttons">
        ${buttonForm('rotate', 'Rotate just before signing', '', [])}
        ${buttonForm('rotate', 'Rotate and withdraw at once', '', [hidden('withdraw', 'true')])}
      </div>
    `,
  );

const clockSection = ({ clock }: State): Html =>
  section(
    'clock',
    'Clock',
    fieldForm('clock', 'Set the clock', [
      input({
        id: 'clock-skew',
        name: 'skewSeconds',
        label: 'Seconds ahead of the right time (negative: behind)',
        value: String(clock.skewSeconds),
      }),
    ]),
  );

const aboutSection = ({ issuer, clients, personas }: State): Html => html`
  ${details(
    'Issuer and registered apps',
    html`<p>Issuer: <code>${issuer}</code></p>
      ${clients.map(
        (client) =>
          html`<h3 class="nhsuk-heading-s">${client.clientId}</h3>
            ${summaryList([
              summaryRow('Authentication', client.authentication),
              summaryRow('Redirect URIs', client.redirectUris.join(' ')),
              summaryRow('Back-channel logout URI', client.backchannelLogoutUri ?? 'none'),
              summaryRow('Post-logout redirect URIs', client.postLogoutRedirectUris.join(' ') || 'none'),
            ])}`,
      )}`,
  )}
  ${details(
    'Everybody who can sign in',
    personaGroups.map(
      ({ group, title }) =>
        html`<h3 class="nhsuk-heading-s">${title}</h3>
          ${summaryList(
            personas
              .filter((persona) => persona.group === group)
              .map(({ uid, name, summary }) => summaryRow(`${name} ${uid}`, summary)),
          )}`,
    ),
  )}
`;

/**
 * The control panel: forms alone, no script.
 *
 * @param current - its sessions come with the oldest first; the page shows the newest first, which is the one being tried
 * @param hasTelemetry - whether there is a page of what the app has measured
 */
export function controlPanelPage(
  current: State,
  notice: Notice | undefined,
  hasTelemetry: boolean,
): HttpResponse {
  const state = { ...current, sessions: current.sessions.toReversed() };
  const main = html`
    <h1 class="nhsuk-heading-l">Control panel <span>– simulator</span></h1>
    <p>
      What CIS2 might do to an app. All of it is off until you switch it on, and gone when the simulator ends.
      <a href="${controlPanelPaths.panel}">Look again</a>
    </p>
    ${
      hasTelemetry
        ? html`<p><a href="${controlPanelPaths.telemetry}">Metrics and events of the app</a></p>`
        : undefined
    }
    ${notice && noticeOf(notice)} ${sessionsSection(state)} ${logoutSection(state)} ${signInSection(state)}
    ${faultsSection(state)} ${keysSection(state)} ${clockSection(state)}
    ${section(
      'reset',
      'Everything off',
      html`<p>People stay signed in, and keys as they are.</p>
        ${buttonForm('reset', 'Switch everything off', '', [])}`,
    )}
    ${aboutSection(state)}
  `;
  // A form has to say what page it is on: see the guard of the control panel.
  return page({ title: 'Control panel', main, outcome: 'control panel panel' });
}
