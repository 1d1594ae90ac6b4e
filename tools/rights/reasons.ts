/** Why each role has each of its rights. A right without a reason here is refused by a test, and so is a reason without a right. */

/** The name of a statement → why, for every role that has it. */
export const common: Readonly<Record<string, string>> = {
  Logs: 'writes its own log',
  Traces: 'shows where the time of a slow request went',
  Edge: 'refuses what did not come through the edge, while its value changes too',
  EdgeAtRest: 'decrypts that secret, by way of Secrets Manager',
  SessionsAtRest: 'decrypts and encrypts the table, by way of DynamoDB',
  IdentifierKeyAtRest: 'decrypts that secret, by way of Secrets Manager',
  SigningKeysAtRest: 'decrypts that secret, by way of Secrets Manager',
  ApiPlatformCredentialsAtRest: 'decrypts that secret, by way of Secrets Manager',
};

/** The same for the functions that push the ends of sessions, where a deployment has them. */
export const eventReasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'session-events': {
    SessionsUpdateItem: 'notes in a live session which connection hears of its end: it can read none',
  },
  'session-end-events': {
    SessionsStream:
      'Lambda reads with it what was written to the table in the last day, sealed as it is there, and hands over ends of sessions only',
    SessionsStreamAtRest: 'decrypts the stream, by way of DynamoDB',
    Connections: 'has a page ask, and can do nothing else to a connection',
  },
};

/** Role → the name of a statement → why. */
export const reasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  callback: {
    SessionsBatchGetItem: "counts the person's other live sessions",
    SessionsDeleteItem: 'removes what it wrote of a session when its time ran out',
    SessionsGetItem: 'opens the connection while it starts: there is no such item',
    SessionsPutItem: 'writes a new session, and spends a sign-in attempt once',
    SessionsUpdateItem: 'lists the new session, and ends the one that it replaces',
    IdentifierKey: 'lists a session under the person and CIS2’s session',
    SigningKeys: 'proves to CIS2 who we are',
  },
  session: {
    SessionsBatchGetItem: "shows the person's live sessions",
    SessionsDeleteItem: 'removes the content of a session that has ended',
    SessionsGetItem: 'finds the own session, and the list of the person’s',
    SessionsQuery: 'reads a session with what it contains',
    SessionsUpdateItem: 'extends and ends a session, changes its role, and takes ended ones off the lists',
  },
  'api-proxy': {
    SessionsConditionCheckItem: 'stores tokens only while their session lives',
    SessionsGetItem: 'looks whether the session still lives after it waited for a token',
    SessionsQuery: 'reads a session with its tokens',
    SessionsUpdateItem: 'counts calls, moves the idle clock, and stores tokens and the lease',
    SigningKeys: 'proves to the API platform who we are',
    ApiPlatformCredentials: 'names the application to the API platform',
  },
  'backchannel-logout': {
    SessionsGetItem: 'finds the sessions that a logout names, and a logout that came before',
    SessionsPutItem: 'remembers a logout token, so that it counts once',
    SessionsUpdateItem: 'ends those sessions, and marks the lists so that a late sign-in ends too',
    IdentifierKey: 'finds the lists of the person and of CIS2’s session',
  },
  jwks: { PublishedKeysGetItem: 'serves the public keys' },
  'keys-status': {
    PublishedKeysGetItem: 'shows what is published, and how the last rotation ended',
    SigningKeys: 'shows when the ring rotates next: it cannot read a key',
  },
  canary: { PublishedKeysGetItem: 'compares the keys that are served with those that were published' },
  'operator-sessions': {
    SessionsBatchGetItem: "shows a user's live sessions",
    SessionsGetItem: "finds the list of a user's sessions",
    SessionsUpdateItem: 'ends sessions, and marks the list so that a late sign-in ends too',
    SessionsScan: "finds everybody's live sessions by the attributes that say so, and no others",
    IdentifierKey: 'finds the list of a user',
  },
  'rotate-signing-keys': {
    PublishedKeysGetItem: 'compares what is published with the ring',
    PublishedKeysPutItem: 'publishes the public keys, and how a rotation ended',
    SigningKeys: 'makes, moves and takes in signing keys: it alone writes them',
  },
  Releases: {
    Shift: 'moves requests to a new version, and back (CodeDeploy)',
    Alarms: 'sees an alarm on which it moves back',
  },
  OperatorReadOnly: {
    Installation: 'finds the functions and log groups among the outputs (every command)',
    KeysStatus: 'keys status, doctor',
    Logs: 'trace, doctor: by reference or event, in the functions’ logs and the audit trail',
    QueryResultsAndAlarms: 'trace and doctor read what they asked for; doctor looks at the alarms',
    AlarmSubscriptions: 'doctor looks whether anybody hears the alarms',
  },
  Operator: {
    Installation: 'finds the functions and log groups among the outputs (every command)',
    KeysStatus: 'every command about keys, doctor',
    Logs: 'trace, doctor: by reference or event, in the functions’ logs and the audit trail',
    QueryResultsAndAlarms: 'trace and doctor read what they asked for; doctor looks at the alarms',
    AlarmSubscriptions: 'doctor looks whether anybody hears the alarms',
    SessionsAndKeys: 'sessions list and end; keys promote and import, and what keys rotate would do',
    Rotate: 'keys rotate, by the function and the schedule that are there',
  },
};
