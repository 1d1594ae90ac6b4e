export const genders = ['male', 'female', 'other', 'unknown'] as const;

export interface HumanName {
  readonly id: string;
  readonly use: 'usual' | 'nickname' | 'old' | 'maiden';
  readonly prefix?: readonly string[];
  readonly given: readonly string[];
  readonly family: string;
}

interface Address {
  readonly id: string;
  readonly use: 'home' | 'temp';
  readonly line: readonly string[];
  readonly postalCode?: string;
}

interface ContactPoint {
  readonly id: string;
  readonly system: 'phone' | 'email';
  readonly use: 'home' | 'mobile';
  readonly value: string;
}

/** As much of a FHIR R4 Patient as PDS sends and this simulator knows. */
export interface Patient {
  readonly resourceType: 'Patient';
  readonly id: string;
  readonly identifier: readonly [{ readonly system: string; readonly value: string }];
  readonly meta: {
    readonly versionId: string;
    /** U unrestricted, R restricted, V very restricted. */
    readonly security: readonly [
      { readonly system: string; readonly code: 'U' | 'R' | 'V'; readonly display: string },
    ];
  };
  readonly name: readonly HumanName[];
  readonly gender: (typeof genders)[number];
  readonly birthDate: string;
  readonly deceasedDateTime?: string;
  readonly address?: readonly Address[];
  readonly telecom?: readonly ContactPoint[];
  readonly generalPractitioner?: readonly {
    readonly id: string;
    readonly type: 'Organization';
    readonly identifier: { readonly system: string; readonly value: string };
  }[];
}

export const isRestricted = ({ meta }: Patient): boolean => meta.security[0].code !== 'U';

/** A record as it is sent: of a restricted one, nothing that says where the person is. */
export function shown(patient: Patient): Patient {
  if (!isRestricted(patient)) return patient;
  const rest: { -readonly [Member in keyof Patient]: Patient[Member] } = { ...patient };
  delete rest.address;
  delete rest.telecom;
  delete rest.generalPractitioner;
  return rest;
}

export const etagOf = ({ meta }: Patient): string => `W/"${meta.versionId}"`;
