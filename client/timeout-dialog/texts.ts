/** What the dialog says. */
import type { EndReason } from '../types.ts';

/** Every text of the dialog. Lengths of time are in seconds; `at` is the time of day, as it is to be read. */
export interface TimeoutTexts {
  /** The language of the texts (BCP 47), for screen readers and the time of day. */
  readonly language: string;
  readonly warningTitle: string;
  /** @param time - as `duration` gives it */
  readonly countdown: (time: string) => string;
  readonly duration: (seconds: number) => string;
  readonly idle: (at: string) => string;
  readonly absolute: (at: string) => string;
  readonly stay: string;
  readonly continueUntilThen: string;
  readonly signOut: string;
  /** The session could not be extended. */
  readonly failed: string;
  readonly reference: (reference: string) => string;
  readonly checking: string;
  readonly unavailable: string;
  readonly endedTitle: string;
  readonly ended: Readonly<Record<EndReason | 'unknown', string>>;
  readonly signIn: string;
}

const plural = (count: number, unit: string): string => `${String(count)} ${unit}${count === 1 ? '' : 's'}`;

/** `1 minute 5 seconds`, given how a minute and a second are said. */
const inWords =
  (minutesOf: (count: number) => string, secondsOf: (count: number) => string) =>
  (seconds: number): string => {
    const minutes = Math.floor(seconds / 60);
    const rest = seconds % 60;
    return [
      ...(minutes > 0 ? [minutesOf(minutes)] : []),
      ...(rest > 0 || minutes === 0 ? [secondsOf(rest)] : []),
    ].join(' ');
  };

export const english: TimeoutTexts = {
  language: 'en-GB',
  warningTitle: 'You will be signed out soon',
  countdown: (time) => `You will be signed out in ${time}.`,
  duration: /* @__PURE__ */ inWords(
    (count) => plural(count, 'minute'),
    (count) => plural(count, 'second'),
  ),
  idle: (at) =>
    `You have not used this service for a while. To protect patients’ information, your session ends at ${at}.`,
  absolute: (at) =>
    `Your session has reached its time limit and ends at ${at}. It cannot be extended. Finish what you are doing, then sign in again.`,
  stay: 'Stay signed in',
  continueUntilThen: 'Continue until then',
  signOut: 'Sign out',
  failed: 'Your session was not extended. Try again.',
  reference: (reference) => `If you need help, give this reference: ${reference}.`,
  checking: 'Checking if you are still signed in',
  unavailable: 'We cannot check if you are still signed in. We will try again.',
  endedTitle: 'You have been signed out',
  ended: {
    idle: 'You did not use this service for a while, so we signed you out to protect patients’ information.',
    absolute: 'Your session reached its time limit.',
    signed_out: 'You signed out, in this tab or in another one.',
    provider_logout:
      'Your Care Identity session has ended. This happens when you take out your smartcard or sign out of Care Identity.',
    replaced: 'You signed in again, here or on another device.',
    revoked: 'Your session was ended from another device or by the team that looks after this service.',
    unknown: 'Your session has ended.',
  },
  signIn: 'Sign in',
};

/** After the number two a noun that can takes the soft mutation. */
export const welsh: TimeoutTexts = {
  language: 'cy',
  warningTitle: 'Byddwch yn cael eich allgofnodi cyn bo hir',
  countdown: (time) => `Byddwch yn cael eich allgofnodi mewn ${time}.`,
  duration: /* @__PURE__ */ inWords(
    (count) => `${String(count)} ${count === 2 ? 'funud' : 'munud'}`,
    (count) => `${String(count)} eiliad`,
  ),
  idle: (at) =>
    `Nid ydych wedi defnyddio’r gwasanaeth hwn ers tro. Er mwyn diogelu gwybodaeth cleifion, bydd eich sesiwn yn dod i ben am ${at}.`,
  absolute: (at) =>
    `Mae eich sesiwn wedi cyrraedd ei therfyn amser a bydd yn dod i ben am ${at}. Ni ellir ei hymestyn. Gorffennwch yr hyn rydych yn ei wneud, yna mewngofnodwch eto.`,
  stay: 'Aros wedi mewngofnodi',
  continueUntilThen: 'Parhau tan hynny',
  signOut: 'Allgofnodi',
  failed: 'Ni chafodd eich sesiwn ei hymestyn. Rhowch gynnig arall arni.',
  reference: (reference) => `Os oes angen help arnoch, rhowch y cyfeirnod hwn: ${reference}.`,
  checking: 'Yn gwirio a ydych yn dal wedi mewngofnodi',
  unavailable: 'Ni allwn wirio a ydych yn dal wedi mewngofnodi. Byddwn yn rhoi cynnig arall arni.',
  endedTitle: 'Rydych wedi cael eich allgofnodi',
  ended: {
    idle: 'Ni wnaethoch ddefnyddio’r gwasanaeth hwn ers tro, felly cawsoch eich allgofnodi er mwyn diogelu gwybodaeth cleifion.',
    absolute: 'Cyrhaeddodd eich sesiwn ei therfyn amser.',
    signed_out: 'Fe wnaethoch allgofnodi, yn y tab hwn neu mewn un arall.',
    provider_logout:
      'Mae eich sesiwn Care Identity wedi dod i ben. Mae hyn yn digwydd pan fyddwch yn tynnu eich cerdyn clyfar allan neu’n allgofnodi o Care Identity.',
    replaced: 'Fe wnaethoch fewngofnodi eto, yma neu ar ddyfais arall.',
    revoked: 'Daethpwyd â’ch sesiwn i ben o ddyfais arall neu gan y tîm sy’n gofalu am y gwasanaeth hwn.',
    unknown: 'Mae eich sesiwn wedi dod i ben.',
  },
  signIn: 'Mewngofnodi',
};
