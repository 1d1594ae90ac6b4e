import { operationOutcome, PdsError } from './outcome.ts';
import { genders, shown, type Patient } from './patient.ts';

const maxResults = 50;
const parameters = ['family', 'given', 'gender', 'birthdate', 'address-postalcode', '_max-results'];

interface DateRange {
  readonly from: string;
  readonly to: string;
}

interface Search {
  readonly family: string;
  readonly given: readonly string[];
  readonly gender: string | undefined;
  readonly born: DateRange;
  readonly postcode: string | undefined;
  readonly maxResults: number;
}

const invalid = (value: string, field: string): PdsError =>
  new PdsError('INVALID_VALUE', `Invalid value - '${value}' in field '${field}'`);

const isDate = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) &&
  !Number.isNaN(Date.parse(text)) &&
  new Date(text).toISOString().startsWith(text);

/** `eq` (or nothing) for a day; `ge` and `le`, once each, for a range that may be open at an end. */
function readBirthdates(values: readonly string[]): DateRange {
  const bounds = values.map((value) => {
    const prefix = /^(?:eq|ge|le)/.exec(value)?.[0];
    const date = value.slice(prefix?.length ?? 0);
    if (!isDate(date)) throw invalid(value, 'birthdate');
    return { value, prefix: prefix ?? 'eq', date };
  });
  const of = (prefix: string) => bounds.filter((bound) => bound.prefix === prefix);
  const [[day], [from, secondFrom], [to, secondTo]] = [of('eq'), of('ge'), of('le')];
  const surplus = secondFrom ?? secondTo ?? (bounds.length > 1 ? day : undefined);
  if (surplus !== undefined) throw invalid(surplus.value, 'birthdate');
  return { from: day?.date ?? from?.date ?? '0000-01-01', to: day?.date ?? to?.date ?? '9999-12-31' };
}

function readSearch(query: URLSearchParams): Search {
  const unknown = [...new Set(query.keys())].filter((name) => !parameters.includes(name));
  if (unknown.length > 0) {
    const names = unknown.map((name) => `'${name}'`).join(', ');
    const were = unknown.length === 1 ? 'was' : 'were';
    throw new PdsError(
      'ADDITIONAL_PROPERTIES',
      `Invalid request with error - Additional properties are not allowed (${names} ${were} unexpected)`,
    );
  }
  if (query.size === 0) throw new PdsError('UNSUPPORTED_SERVICE');
  const one = (name: string): string | undefined => {
    const [value, second] = query.getAll(name);
    if (second !== undefined) throw invalid(second, name);
    return value;
  };
  const born = query.getAll('birthdate');
  if (born.length === 0) {
    throw new PdsError(
      'MISSING_VALUE',
      "Missing value - 'birth_date/birth_date_range_start/birth_date_range_end'",
    );
  }
  const range = readBirthdates(born);
  const family = one('family') ?? '';
  if (family === '') {
    throw new PdsError(
      'INVALID_SEARCH_DATA',
      "Invalid search data provided - 'No searches were performed as the search criteria did not meet the minimum requirements'",
    );
  }
  const given = query.getAll('given');
  for (const [field, names] of [
    ['family', [family]],
    ['given', given],
  ] as const) {
    const bad = names.find((name) => !/^[^*]+$|^[^*]{2,}\*$/.test(name));
    if (bad !== undefined) throw invalid(bad, field);
  }
  const gender = one('gender');
  if (gender !== undefined && !genders.some((known) => known === gender)) throw invalid(gender, 'gender');
  const wanted = one('_max-results') ?? String(maxResults);
  if (!/^[1-9]\d?$/.test(wanted) || Number(wanted) > maxResults) throw invalid(wanted, '_max-results');
  return {
    family,
    given,
    gender,
    born: range,
    postcode: one('address-postalcode'),
    maxResults: Number(wanted),
  };
}

/** Names are compared without case and accents, and with either apostrophe. */
const folded = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .replace(/’/g, "'")
    .toLowerCase();

const matchesName = (asked: string, name: string): boolean =>
  asked.endsWith('*') ? folded(name).startsWith(folded(asked.slice(0, -1))) : folded(name) === folded(asked);

const compact = (postcode: string): string => postcode.replace(/\s/g, '').toUpperCase();

const matches = (search: Search, patient: Patient): boolean =>
  patient.name.some(
    ({ family, given }) =>
      matchesName(search.family, family) &&
      search.given.every((asked) => given.some((name) => matchesName(asked, name))),
  ) &&
  (search.gender ?? patient.gender) === patient.gender &&
  search.born.from <= patient.birthDate &&
  patient.birthDate <= search.born.to &&
  (search.postcode === undefined ||
    (patient.address ?? []).some(
      ({ postalCode }) => postalCode !== undefined && compact(postalCode) === compact(search.postcode ?? ''),
    ));

/**
 * Searches (FHIR R4 section 3.1.1): a `searchset` Bundle, or an OperationOutcome `TOO_MANY_MATCHES` with status 200 when
 * more match than were asked for. What of a restricted record is withheld cannot be searched by either.
 *
 * @throws PdsError for parameters that do not make a search: `family` and `birthdate` are required
 */
export function search(
  query: URLSearchParams,
  patients: readonly Patient[],
  base: string,
): { readonly resource: object; readonly outcome: string } {
  const asked = readSearch(query);
  const found = patients.map(shown).filter((patient) => matches(asked, patient));
  if (found.length > asked.maxResults) {
    const code = 'TOO_MANY_MATCHES';
    return {
      resource: operationOutcome({
        severity: 'information',
        issue: 'multiple-matches',
        code,
        display: 'Too Many Matches',
      }),
      outcome: code,
    };
  }
  return {
    resource: {
      resourceType: 'Bundle',
      type: 'searchset',
      timestamp: new Date().toISOString(),
      total: found.length,
      entry: found.map((patient) => ({
        fullUrl: `${base}/Patient/${patient.id}`,
        search: { score: 1 },
        resource: patient,
      })),
    },
    outcome: `${String(found.length)} found`,
  };
}
