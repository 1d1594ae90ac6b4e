/** `/tour` of the local start: the steps of CIS2's live demonstration (docs/onboarding.md), and where to do each here. */
import { html, type Html } from '../cis2-simulator/html.ts';
import { stylesheet } from '../cis2-simulator/layout.ts';
import type { Spa } from './spa.ts';

interface Step {
  readonly title: string;
  readonly do: string;
  readonly see: string;
  /** Where the step begins. @default the app's first page */
  readonly at?: 'control panel' | '/' | '/role' | '/sessions';
}

const steps: readonly Step[] = [
  {
    title: 'Open the app and start a sign-in',
    do: 'Open the app and press “Sign in with my Care Identity”. At the simulator, open “What the app asked for”.',
    see: 'The request has prompt=login, state, nonce, acr_values and only the listed scopes.',
  },
  {
    title: 'Sign in with a smartcard',
    do: 'Choose Amara Okafor, then open “Where you are signed in”.',
    see: 'Name, role, organisation, and the levels of authentication and identity.',
  },
  {
    title: 'Cancel a sign-in at CIS2',
    do: 'Start a sign-in and choose “Cancel”.',
    see: 'A page that says so, with “Try again” and a reference.',
  },
  {
    title: 'Sign in with an assurance level that is too low',
    do: 'Start a sign-in and choose Farah Siddiqui, or Gareth Lloyd for the identity level.',
    see: 'The sign-in is refused. The page says which ways to sign in are strong enough, and whom to ask.',
  },
  {
    title: 'Change acr_values on the way to CIS2',
    do: 'Start a sign-in, change acr_values in the address bar to AAL2_TOTP, load the page and choose Farah Siddiqui.',
    see: 'The sign-in is refused all the same: what counts is what CIS2 returns.',
  },
  {
    title: 'Sign in without a role, with the wrong role and at the wrong organisation',
    do: 'Sign in as Ewan Blackwood. For the other two, set acceptedRoles in the configuration.',
    see: 'A page that says which role is missing, and whom to ask.',
  },
  {
    title: 'Sign in with several roles, choose one, change it',
    do: 'Sign in as Callum Reid and choose a role. Open a second tab, and change the role here.',
    see: 'No role is chosen by its place in the list. The second tab follows and says so.',
    at: '/role',
  },
  {
    title: 'Finish a sign-in after more than ten minutes',
    do: 'Start a sign-in, wait for more than ten minutes at the simulator, then choose a person.',
    see: 'The sign-in is refused: it ran out of time.',
  },
  {
    title: 'Leave the app alone until the warning',
    do: 'Sign in and do nothing for 13 minutes, or start with --idle-seconds 60.',
    see: 'A warning with a countdown, then the page of a session that ended for inactivity.',
  },
  {
    title: 'Reach the absolute limit',
    do: 'Start with --absolute-seconds 120, sign in and stay active.',
    see: 'The warning says that the limit cannot be moved. Then the session ends, whatever the person does.',
  },
  {
    title: 'Sign in again after a time-out',
    do: 'Press “Sign in with my Care Identity” on the page of the ended session.',
    see: 'CIS2 asks for the person again, and the app comes back to the page where they were.',
  },
  {
    title: 'Remove the smartcard',
    do: 'Sign in as Amara Okafor. Open the control panel in another window and pull her smartcard.',
    see: 'Within five seconds the open page shows nothing of the patient, and says why.',
    at: 'control panel',
  },
  {
    title: 'Sign out',
    do: 'Press “Sign out”, then go back with the browser.',
    see: 'Nothing of the person is left, and the page says to take the smartcard out.',
  },
  {
    title: 'End a session from another device',
    do: 'Sign in as the same person in two browsers. In one of them, end the other session.',
    see: 'The other browser says that its session was ended.',
    at: '/sessions',
  },
];

const link = ({ at = '/' }: Step, panel: string | undefined): Html | undefined => {
  const href = at === 'control panel' ? panel : at;
  const text = at === 'control panel' ? 'Open the control panel' : 'Open the app';
  // Without a simulator there is no control panel.
  return href === undefined
    ? undefined
    : html`<p><a href="${href}" target="_blank" rel="noopener">${text}</a></p>`;
};

const page = (panel: string | undefined): Html =>
  html`<!doctype html>
    <html class="nhsuk-template" lang="en">
      <head>
        <meta charset="utf-8" />
        <title>Guided tour – Example surgery</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <link rel="icon" href="/tour/none.svg" />
        <link rel="stylesheet" href="/tour/styles.css" />
      </head>
      <body class="nhsuk-template__body">
        <div class="nhsuk-width-container">
          <main class="nhsuk-main-wrapper">
            <h1>Guided tour</h1>
            <p class="nhsuk-lede-text">
              The fourteen steps of the live demonstration for CIS2, here with the simulator. Each link opens
              a new tab, so that this page stays.
            </p>
            <ol class="nhsuk-list nhsuk-list--number">
              ${steps.map(
                (step) =>
                  html`<li>
                    <h2 class="nhsuk-heading-s">${step.title}</h2>
                    <p>${step.do}</p>
                    <p><strong>You see:</strong> ${step.see}</p>
                    ${link(step, panel)}
                  </li>`,
              )}
            </ol>
          </main>
        </div>
      </body>
    </html>`;

/**
 * The demo, with the guided tour beside it.
 *
 * @param panel - the address of the simulator's control panel; undefined where another provider is used
 */
export function withTour(spa: Spa, panel: string | undefined): Spa {
  const respond = (type: string, body: string) => ({
    status: 200,
    headers: { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-cache' },
    body: Buffer.from(body),
  });
  return {
    ...spa,
    get: (request, uri) => {
      const path = request.target.split('?', 1)[0];
      if (path === '/tour') return Promise.resolve(respond('text/html', page(panel).text));
      if (path === '/tour/styles.css') return Promise.resolve(respond('text/css', String(stylesheet().body)));
      if (path === '/tour/none.svg')
        return Promise.resolve(respond('image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"/>'));
      return spa.get(request, uri);
    },
  };
}
