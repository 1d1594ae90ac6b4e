import { BffError, createBff } from 'cis2-bff/client';
import 'cis2-bff/client/timeout-dialog';
import type { upstreams } from '../bff.config.ts';
import { describeState } from './describe-state.ts';

const bff = createBff<typeof upstreams>();
const element = <Type extends HTMLElement>(selector: string): Type => {
  const found = document.querySelector<Type>(selector);
  if (found === null) throw new Error(`there is no ${selector}`);
  return found;
};
const [status, patient] = [element('#status'), element('#patient')];
const [signIn, signOut] = [element('#sign-in'), element('#sign-out')];
const search = element<HTMLFormElement>('#search');

element<HTMLElementTagNameMap['bff-timeout-dialog']>('bff-timeout-dialog').client = bff;
signIn.addEventListener('click', () => void bff.signIn());
signOut.addEventListener('click', () => void bff.signOut());

search.addEventListener('submit', (event) => {
  event.preventDefault();
  void readPatient(String(new FormData(search).get('id')));
});

async function readPatient(id: string): Promise<void> {
  try {
    const response = await bff.api('GET /api/pds/Patient/{id}', { parameters: { id } });
    patient.textContent = JSON.stringify(await response.json(), undefined, 2);
  } catch (error) {
    if (!(error instanceof BffError)) throw error;
    patient.textContent = `That did not work: ${error.code} ${error.reference ?? ''}`;
  }
}

function show(): void {
  const state = bff.session.get();
  status.textContent = describeState(state);
  signIn.hidden = state.status !== 'anonymous' && state.status !== 'ended';
  signOut.hidden = search.hidden = state.status !== 'active';
  if (state.status !== 'active') patient.textContent = '';
}
bff.session.subscribe(show);
show();
