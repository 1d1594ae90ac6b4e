/** What the compiler must take and refuse: compiled, never run. */
import { createBff } from '../../client/index.ts';
import type { PageTexts } from '../../client/english/index.ts';
import { createFakeBff } from '../../client/testing/index.ts';
import type { upstreams } from '../../bff.config.ts';

const bff = createBff<typeof upstreams>();
const id = '9000000009';

void bff.api('GET /api/pds/Patient/{id}', { parameters: { id } });
void bff.api('GET /api/pds/Patient');
void bff.api('GET /api/pds/Patient', { query: { family: 'Okafor', gender: 'female' } });
void bff.api('GET /api/pds/Patient', { query: { given: ['Amara', 'N'], '_max-results': 2 } });
void bff.api('GET /api/pds/Patient', { query: { family: undefined }, background: true });
void bff.api('GET /api/pds/Patient', { headers: { accept: 'application/json' } });
void bff.api('PATCH /api/pds/Patient/{id}', {
  parameters: { id },
  headers: { 'If-Match': 'W/"1"' },
  body: [{ op: 'replace', path: '/gender', value: 'female' }],
});
void bff.api('PATCH /api/pds/Patient/{id}', {
  parameters: { id },
  headers: { 'if-match': 'W/"1"', 'content-type': 'application/json-patch+json' },
  body: '[]',
});

// @ts-expect-error there is no such route
void bff.api('GET /api/pds/Practitioner');
// @ts-expect-error nor one of this method
void bff.api('DELETE /api/pds/Patient/{id}', { parameters: { id } });
// @ts-expect-error nor is the manifest's own key one
void bff.api('GET /Patient/{id}', { parameters: { id } });
// @ts-expect-error the path has a parameter
void bff.api('GET /api/pds/Patient/{id}');
// @ts-expect-error the path has a parameter
void bff.api('GET /api/pds/Patient/{id}', {});
// @ts-expect-error it is called something else
void bff.api('GET /api/pds/Patient/{id}', { parameters: { nhsNumber: id } });
// @ts-expect-error there is one only
void bff.api('GET /api/pds/Patient/{id}', { parameters: { id, other: '1' } });
// @ts-expect-error the path has none
void bff.api('GET /api/pds/Patient', { parameters: { id } });
// @ts-expect-error there is no such query parameter
void bff.api('GET /api/pds/Patient', { query: { surname: 'Okafor' } });
// @ts-expect-error this route has no query
void bff.api('GET /api/pds/Patient/{id}', { parameters: { id }, query: { family: 'Okafor' } });
// @ts-expect-error the values are listed
void bff.api('GET /api/pds/Patient', { query: { gender: 'f' } });
// @ts-expect-error this one cannot be repeated
void bff.api('GET /api/pds/Patient', { query: { family: ['Okafor', 'Smith'] } });
// @ts-expect-error the header is not passed on
void bff.api('GET /api/pds/Patient', { headers: { 'if-match': '1' } });
// @ts-expect-error a GET has no body
void bff.api('GET /api/pds/Patient', { body: {} });
void bff.api('PATCH /api/pds/Patient/{id}', {
  parameters: { id },
  // @ts-expect-error this type is not taken
  headers: { 'content-type': 'text/plain' },
});

/** A manifest of an app's own, with a route whose body type the client cannot know. */
interface OwnUpstreams {
  readonly referrals: {
    readonly routes: {
      readonly 'POST /Referral': { readonly body: { readonly types: readonly ['application/fhir+json'] } };
      readonly 'GET /Referral/{id}/Note/{note}': {
        readonly parameters: {
          readonly id: { pattern: string };
          readonly note: { values: readonly ('a' | 'b')[] };
        };
      };
    };
  };
}
const own = createBff<OwnUpstreams>();
void own.api('POST /api/referrals/Referral', {
  headers: { 'Content-Type': 'application/fhir+json' },
  body: {},
});
void own.api('GET /api/referrals/Referral/{id}/Note/{note}', { parameters: { id: 7, note: 'a' } });
// @ts-expect-error the content type has to be said
void own.api('POST /api/referrals/Referral', { body: {} });
// @ts-expect-error one parameter is missing
void own.api('GET /api/referrals/Referral/{id}/Note/{note}', { parameters: { id: 7 } });
// @ts-expect-error the values are listed
void own.api('GET /api/referrals/Referral/{id}/Note/{note}', { parameters: { id: 7, note: 'c' } });

const anything = createBff();
void anything.api('GET /api/whatever/{there}', {
  parameters: { there: 'is' },
  query: { x: [1, 2] },
  body: {},
});

const state = bff.session.get();
if (state.status === 'active') state.expires.at.getTime().toFixed(state.remainingSeconds());
// @ts-expect-error only an active session has a user
export const { user } = state;

createFakeBff<typeof upstreams>({
  session: { status: 'active', user: { name: 'Amara Okafor' } },
  api: { 'GET /api/pds/Patient/{id}': ({ parameters }) => Response.json(parameters) },
});
createFakeBff<typeof upstreams>({
  // @ts-expect-error there is no such route
  api: { 'GET /api/pds/Practitioner': () => Response.json({}) },
});

/** Other words take the place of any text, with as much of what they are about as they need. */
export const texts: Partial<PageTexts> = {
  signIn: 'Mewngofnodi',
  keepOthers: () => 'Cadw',
  signedOutThere: (device) => `Allgofnodwyd: ${device}`,
  // @ts-expect-error there is no such text
  signOff: 'Hwyl',
};
