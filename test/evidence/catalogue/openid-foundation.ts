import type { Requirement, Standard } from '../requirement.ts';

type Module = readonly [name: string, requirement: string, open?: Requirement['open']];

const plan = (section: string, modules: readonly Module[]): Requirement[] =>
  modules.map(([id, requirement, open]) => ({
    id,
    section,
    level: 'M',
    requirement,
    ...(open === undefined ? {} : { open }),
  }));

const logout = 'oidcc-client-test-rp-backchannel-rpinitlogout';

export const openIdFoundation: Standard = {
  key: 'openid-foundation',
  title: 'OpenID Foundation: relying-party conformance modules',
  about:
    'Every module of the basic, configuration and back-channel logout plans, by name, each played end to end over HTTP ' +
    'by a provider of our own with real keys, and with private_key_jwt. This is no certification: the Foundation’s own ' +
    'suite has not been run.',
  requirements: [
    ...plan('Basic plan', [
      ['oidcc-client-test', 'A plain code flow: the code is exchanged and UserInfo is called.'],
      ['oidcc-client-test-invalid-iss', 'An ID token of another issuer is refused.'],
      ['oidcc-client-test-missing-sub', 'An ID token without a subject is refused.'],
      ['oidcc-client-test-invalid-aud', 'An ID token for another client is refused.'],
      ['oidcc-client-test-missing-iat', 'An ID token that does not say when it was issued is refused.'],
      [
        'oidcc-client-test-kid-absent-single-jwks',
        'Without a key id, and with one key published, it is accepted.',
      ],
      [
        'oidcc-client-test-kid-absent-multiple-jwks',
        'Without a key id, and with several keys, either all are tried or the token is refused; ours refuses.',
      ],
      ['oidcc-client-test-idtoken-sig-rs256', 'A signature by RS256 is accepted.'],
      [
        'oidcc-client-test-idtoken-sig-none',
        'An unsigned ID token that nobody asked for is refused. Stands in the configuration plan as well.',
      ],
      ['oidcc-client-test-invalid-sig-rs256', 'A signature that does not verify is refused.'],
      ['oidcc-client-test-userinfo-invalid-sub', 'UserInfo of another subject is not used.'],
      ['oidcc-client-test-nonce-invalid', 'An ID token with another nonce is refused.'],
      [
        'oidcc-client-test-scope-userinfo-claims',
        'Claims that come by scope are asked for and read from UserInfo.',
      ],
      [
        'oidcc-client-test-client-secret-basic',
        'The client authenticates with its secret by HTTP Basic.',
        {
          notApplicable:
            'It wants a client secret at the token endpoint. This client has none: it authenticates with ' +
            'private_key_jwt and in no other way.',
        },
      ],
    ]),
    ...plan('Configuration plan', [
      [
        'oidcc-client-test-discovery-openid-config',
        'The discovery document is fetched, and its endpoints are used.',
      ],
      ['oidcc-client-test-discovery-jwks-uri-keys', 'The keys that its jwks_uri gives verify the ID token.'],
      [
        'oidcc-client-test-discovery-issuer-mismatch',
        'A discovery document of another issuer stops the sign-in before any request to its endpoints.',
      ],
      [
        'oidcc-client-test-signing-key-rotation-just-before-signing',
        'Keys that changed after they were read and before the token was signed are read again.',
      ],
      ['oidcc-client-test-signing-key-rotation', 'Keys that changed between two sign-ins are read again.'],
    ]),
    ...plan('Back-channel logout plan', [
      [logout, 'A good logout token gets a 200, also while the client itself is signing out.'],
      [`${logout}-alg-none`, 'An unsigned logout token is refused with 400.'],
      [`${logout}-wrong-alg`, 'One signed with another algorithm than the registered is refused with 400.'],
      [`${logout}-wrong-iss`, 'One of another issuer is refused with 400.'],
      [`${logout}-wrong-aud`, 'One for another client is refused with 400.'],
      [`${logout}-no-event`, 'One without events is refused with 400.'],
      [`${logout}-wrong-event`, 'One with another event is refused with 400.'],
      [`${logout}-with-nonce`, 'One with a nonce is refused with 400.'],
    ]),
  ],
};
