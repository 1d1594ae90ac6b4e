import type { SyntheticEvent } from 'react';
import { Button, Page, usePages } from 'cis2-bff/client/pages';
import { bff } from './bff.ts';
import { describePatient } from './patient.ts';

/** What is found, and why nothing is, stands above the page. */
export function PatientPage() {
  const { attempt } = usePages();
  const search = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    const id = String(new FormData(event.currentTarget).get('id'));
    attempt('The patient was not found', () => describePatient(bff, id));
  };
  return (
    <Page title="Find a patient">
      <form onSubmit={search}>
        <div className="nhsuk-form-group">
          <label className="nhsuk-label" htmlFor="id">
            NHS number
          </label>
          <input className="nhsuk-input" id="id" name="id" pattern="[0-9]{10}" required />
        </div>
        <Button text="Find" />
      </form>
    </Page>
  );
}
