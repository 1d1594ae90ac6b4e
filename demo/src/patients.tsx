/** Find a patient at the Personal Demographics Service, see the record, change the address. */
import { useEffect, useRef, useState, type SyntheticEvent } from 'react';
import { Card, InsetText, SummaryList, TextInput, type TextInputProps } from 'nhsuk-react-components';
import { BffError } from '../../client/index.ts';
import * as english from '../../client/english/index.ts';
import { Button, Page, usePages } from '../../client/pages/index.ts';
import { useDraft } from '../../client/react/index.ts';
import { bff } from './bff.ts';

/** As much of a FHIR R4 Patient as these pages show. */
interface Patient {
  id: string;
  name: { prefix?: string[]; given: string[]; family: string }[];
  gender: string;
  birthDate: string;
  deceasedDateTime?: string;
  address?: { line: string[]; postalCode?: string }[];
  telecom?: { value: string }[];
  meta: { security: { code: string }[] };
}
/** What a search gives: an `issue` where too many match. */
type Bundle = { entry?: { resource: Patient }[]; issue?: unknown };

const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });
const nameOf = ({ name: [name] }: Patient): string =>
  name ? [...(name.prefix ?? []), ...name.given, name.family].join(' ') : 'No name';
const numberOf = ({ id }: Patient): string => id.replace(/^(\d{3})(\d{3})/, '$1\u00a0$2\u00a0');

/** What was typed in a form that is being sent, by the fields' names. */
function typedIn(event: SyntheticEvent<HTMLFormElement>): Partial<Record<string, string>> {
  event.preventDefault();
  const fields = [...new FormData(event.currentTarget)] as [name: string, value: string][];
  return Object.fromEntries(fields.map(([name, value]) => [name, value.trim()]));
}

const Field = (props: TextInputProps & { name: string }) => (
  <TextInput id={props.name} labelProps={{ size: 's' }} autoComplete="off" spellCheck={false} {...props} />
);

export function FindPage() {
  const { attempt } = usePages();
  const results = useRef<HTMLHeadingElement>(null);
  const [found, setFound] = useState<Bundle | null>(null);
  useEffect(() => results.current?.focus(), [found]);
  const search = (event: SyntheticEvent<HTMLFormElement>) => {
    const { family, born } = typedIn(event);
    const query = { family, birthdate: born ? [`eq${born}`] : ['ge1900-01-01'], '_max-results': 10 };
    attempt('The search was not done', async () => {
      const response = await bff.api('GET /api/pds/Patient', { query });
      setFound((await response.json()) as Bundle);
    });
  };
  const patients = (found?.entry ?? []).map(({ resource }) => resource);
  const count = `${patients.length} ${patients.length === 1 ? 'patient' : 'patients'} found`;
  return (
    <Page title="Find a patient">
      <form onSubmit={search} noValidate>
        <Field
          label="Family name"
          name="family"
          defaultValue="Marchbanks"
          hint="All patients here are invented"
        />
        <Field label="Date of birth, if known" name="born" type="date" />
        <Button text="Find" />
      </form>
      {found && (
        <section aria-labelledby="results">
          <h2 className="nhsuk-heading-m" id="results" tabIndex={-1} ref={results}>
            {found.issue ? 'Too many patients match: give a date of birth' : count}
          </h2>
          <ul className="app-plain-list">
            {patients.map((patient) => (
              <li key={patient.id}>
                <Card clickable>
                  <Card.Heading headingLevel="h3" size="s">
                    <Card.Link href={`/patients/${patient.id}`}>{nameOf(patient)}</Card.Link>
                  </Card.Heading>
                  <Card.Description>
                    Born {date.format(new Date(patient.birthDate))} · NHS number {numberOf(patient)}
                  </Card.Description>
                </Card>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Page>
  );
}

interface Loaded {
  patient: Patient;
  /** For the header that keeps somebody else's change from being lost. */
  version: string;
}
async function load(id: string): Promise<Loaded> {
  const response = await bff.api('GET /api/pds/Patient/{id}', { parameters: { id } });
  return { patient: (await response.json()) as Patient, version: response.headers.get('ETag') ?? '' };
}

/** The record of a patient, or the form that changes the address. */
export function PatientPage({ id, isAddress }: { id: string; isAddress: boolean }) {
  const [loaded, setLoaded] = useState<Loaded | BffError | null>(null);
  useEffect(() => void load(id).then(setLoaded, setLoaded), [id]);
  if (loaded === null) return <p role="status">Loading the record…</p>;
  if (!(loaded instanceof BffError)) return isAddress ? <Address {...loaded} /> : <Record {...loaded} />;
  const isMissing = loaded.status === 404;
  const title = isMissing ? 'There is no such patient' : 'The record cannot be shown';
  return (
    <Page title={title} help={english.contacts.desk} reference={loaded.reference}>
      <p>{isMissing ? 'Check the NHS number.' : english.failureText(loaded)}</p>
      <Button href="/" text="Find a patient" />
    </Page>
  );
}

function Record({ patient }: Loaded) {
  const { id, gender, birthDate, deceasedDateTime, address: [address] = [], telecom = [], meta } = patient;
  const isRestricted = meta.security[0]?.code !== 'U';
  const rows = {
    'NHS number': numberOf(patient),
    Born: date.format(new Date(birthDate)),
    Died: deceasedDateTime && date.format(new Date(deceasedDateTime)),
    Gender: gender.replace(/^./, (letter) => letter.toUpperCase()),
    Address: address && [...address.line, address.postalCode].filter(Boolean).join(', '),
    Contact: telecom.map(({ value }) => value).join(', '),
  };
  return (
    <Page title={nameOf(patient)} caption="Patient record">
      {isRestricted && (
        <InsetText>
          <p>This record is restricted. Where the person is cannot be shown.</p>
        </InsetText>
      )}
      <SummaryList>
        {Object.entries(rows).map(
          ([name, value]) =>
            value && (
              <SummaryList.Row key={name}>
                <SummaryList.Key>{name}</SummaryList.Key>
                <SummaryList.Value>{value}</SummaryList.Value>
              </SummaryList.Row>
            ),
        )}
      </SummaryList>
      {address && !isRestricted && <Button href={`/patients/${id}/address`} text="Change address" />}
      <p>
        <a href="/">Find another patient</a>
      </p>
    </Page>
  );
}

function Address({ patient, version }: Loaded) {
  const { attempt, navigate } = usePages();
  const draft = useDraft('address');
  const { id, address: [address] = [] } = patient;
  const save = (event: SyntheticEvent<HTMLFormElement>) => {
    const { street, town, postcode } = typedIn(event);
    const headers = { 'If-Match': version };
    const body = [
      { op: 'replace', path: '/address/0/line', value: [street, town] },
      { op: 'add', path: '/address/0/postalCode', value: postcode },
    ];
    attempt('The address was not changed', async () => {
      // When the sign-in is older than five minutes, the library starts a new one, which comes back to this page.
      await bff.api('PATCH /api/pds/Patient/{id}', { parameters: { id }, headers, body });
      draft.forget();
      navigate(`/patients/${id}`);
      return `The address of ${nameOf(patient)} was changed.`;
    });
  };
  return (
    <Page title="Change address" caption={nameOf(patient)}>
      <form onSubmit={save} noValidate ref={draft.ref}>
        <Field label="Street" name="street" defaultValue={address?.line[0]} />
        <Field label="Town" name="town" defaultValue={address?.line[1]} />
        <Field label="Postcode" name="postcode" defaultValue={address?.postalCode} />
        <Button text="Save" />
      </form>
      <p>
        <a href={`/patients/${id}`} onClick={draft.forget}>
          Go back without saving
        </a>
      </p>
    </Page>
  );
}
