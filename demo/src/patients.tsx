/** Find a patient at the Personal Demographics Service, see the record, change the address. */
import { useEffect, useRef, useState, type SyntheticEvent } from 'react';
import { BffError } from '../../client/index.ts';
import { keepDraft, type Draft } from '../../client/draft/index.ts';
import { useBff } from '../../client/react/index.ts';
import type { upstreams } from '../../bff.config.ts';
import { Button, Field, Help, Inset, Page, Summary, useAttempt, useShell } from './parts.tsx';
import texts from './texts.json';
import { dateInWords, failureText } from './wording.ts';

/** As much of a FHIR R4 Patient as these pages show. */
interface Patient {
  readonly id: string;
  readonly name: readonly { readonly prefix?: string[]; readonly given: string[]; readonly family: string }[];
  readonly gender: string;
  readonly birthDate: string;
  readonly deceasedDateTime?: string;
  readonly address?: readonly { readonly line: readonly string[]; readonly postalCode?: string }[];
  readonly telecom?: readonly { readonly value: string }[];
  readonly meta: { readonly security: readonly { readonly code: string }[] };
}

const nameOf = ({ name: [name] }: Patient): string =>
  name ? [...(name.prefix ?? []), ...name.given, name.family].join(' ') : 'No name';
const textOf = (form: FormData, name: string): string => {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
};
const numberOf = ({ id }: Patient): string => id.replace(/^(\d{3})(\d{3})/, '$1\u00a0$2\u00a0');

export function FindPage() {
  const bff = useBff<typeof upstreams>();
  const attempt = useAttempt();
  const results = useRef<HTMLHeadingElement>(null);
  const [found, setFound] = useState<readonly Patient[] | 'too many' | null>(null);
  useEffect(() => results.current?.focus(), [found]);
  const search = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [family, born] = [textOf(form, 'family'), textOf(form, 'born')];
    void attempt('The search was not done', async () => {
      const query = { family, birthdate: born === '' ? ['ge1900-01-01'] : [`eq${born}`], '_max-results': 10 };
      const answer = await bff.api('GET /api/pds/Patient', { query });
      const { entry, issue } = (await answer.json()) as { entry?: { resource: Patient }[]; issue?: unknown };
      setFound(issue === undefined ? (entry ?? []).map(({ resource }) => resource) : 'too many');
    });
  };
  return (
    <Page title="Find a patient">
      <form onSubmit={search} noValidate>
        <Field label="Family name" name="family" value="Marchbanks" hint="All patients here are invented" />
        <Field label="Date of birth, if known" name="born" type="date" />
        <Button>Find</Button>
      </form>
      {found !== null && (
        <section aria-labelledby="results">
          <h2 className="nhsuk-heading-m" id="results" tabIndex={-1} ref={results}>
            {found === 'too many'
              ? 'Too many patients match: give a date of birth'
              : `${found.length} ${found.length === 1 ? 'patient' : 'patients'} found`}
          </h2>
          <ul className="app-plain-list">
            {(found === 'too many' ? [] : found).map((patient) => (
              <li className="nhsuk-card nhsuk-card--clickable" key={patient.id}>
                <div className="nhsuk-card__content">
                  <h3 className="nhsuk-card__heading nhsuk-heading-s">
                    <a className="nhsuk-card__link" href={`/patients/${patient.id}`}>
                      {nameOf(patient)}
                    </a>
                  </h3>
                  <p>
                    Born {dateInWords(patient.birthDate)} · NHS number {numberOf(patient)}
                  </p>
                </div>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Page>
  );
}

/** The record, and its version for a change; an error where it cannot be had. */
function usePatient(id: string) {
  const bff = useBff<typeof upstreams>();
  const [loaded, setLoaded] = useState<{ patient: Patient; version: string } | BffError | null>(null);
  useEffect(() => {
    const leaving = new AbortController();
    const load = async () => {
      const options = { parameters: { id }, signal: leaving.signal };
      const answer = await bff.api('GET /api/pds/Patient/{id}', options);
      const patient = (await answer.json()) as Patient;
      setLoaded({ patient, version: answer.headers.get('ETag') ?? '' });
    };
    load().catch((error: unknown) => {
      if (error instanceof BffError) setLoaded(error);
    });
    return () => leaving.abort();
  }, [bff, id]);
  return loaded;
}

const NotLoaded = ({ error }: { readonly error: BffError }) => (
  <Page title={error.status === 404 ? 'There is no such patient' : 'The record cannot be shown'}>
    <p>{error.status === 404 ? 'Check the NHS number.' : failureText(error)}</p>
    <a className="nhsuk-button" href="/">
      Find a patient
    </a>
    <Help contact={texts.contacts.desk} reference={error.reference} />
  </Page>
);
const Loading = () => <p role="status">Loading the record…</p>;

export function RecordPage({ id }: { readonly id: string }) {
  const loaded = usePatient(id);
  if (loaded === null) return <Loading />;
  if (loaded instanceof BffError) return <NotLoaded error={loaded} />;
  const { patient } = loaded;
  const { gender, birthDate, deceasedDateTime, address: [address] = [], telecom = [], meta } = patient;
  const isRestricted = meta.security[0]?.code !== 'U';
  return (
    <Page title={nameOf(patient)} caption="Patient record">
      {isRestricted && <Inset>This record is restricted. Where the person is cannot be shown.</Inset>}
      <Summary
        rows={{
          'NHS number': numberOf(patient),
          Born: dateInWords(birthDate),
          Died: deceasedDateTime && dateInWords(deceasedDateTime),
          Gender: gender.replace(/^./, (letter) => letter.toUpperCase()),
          Address: address && [...address.line, address.postalCode].filter(Boolean).join(', '),
          Contact: telecom.map(({ value }) => value).join(', '),
        }}
      />
      {address && !isRestricted && (
        <a className="nhsuk-button" href={`/patients/${id}/address`}>
          Change address
        </a>
      )}
      <p>
        <a href="/">Find another patient</a>
      </p>
    </Page>
  );
}

export function AddressPage({ id }: { readonly id: string }) {
  const bff = useBff<typeof upstreams>();
  const attempt = useAttempt();
  const { tell, go } = useShell();
  const loaded = usePatient(id);
  const [form, setForm] = useState<HTMLFormElement | null>(null);
  const draft = useRef<Draft>(null);
  useEffect(() => {
    draft.current = form && keepDraft(bff, form, { name: 'address' });
    return () => draft.current?.stop();
  }, [bff, form]);
  if (loaded === null) return <Loading />;
  if (loaded instanceof BffError) return <NotLoaded error={loaded} />;
  const { patient, version } = loaded;
  const [address] = patient.address ?? [];
  const save = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    // When the sign-in is older than five minutes, the library starts a new one, which comes back to this page.
    void attempt('The address was not changed', async () => {
      await bff.api('PATCH /api/pds/Patient/{id}', {
        parameters: { id },
        headers: { 'If-Match': version },
        body: [
          {
            op: 'replace',
            path: '/address/0/line',
            value: [textOf(fields, 'street'), textOf(fields, 'town')],
          },
          { op: 'add', path: '/address/0/postalCode', value: textOf(fields, 'postcode') },
        ],
      });
      draft.current?.forget();
      go(`/patients/${id}`);
      tell({ kind: 'Success', text: `The address of ${nameOf(patient)} was changed.` });
    });
  };
  return (
    <Page title="Change address" caption={nameOf(patient)}>
      <form onSubmit={save} noValidate ref={setForm}>
        <Field label="Street" name="street" value={address?.line[0] ?? ''} />
        <Field label="Town" name="town" value={address?.line[1] ?? ''} />
        <Field label="Postcode" name="postcode" value={address?.postalCode ?? ''} />
        <Button>Save</Button>
      </form>
      <p>
        <a href={`/patients/${id}`} onClick={() => draft.current?.forget()}>
          Go back without saving
        </a>
      </p>
    </Page>
  );
}
