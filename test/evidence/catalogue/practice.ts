import type { Standard } from '../requirement.ts';

export const practice: Standard = {
  key: 'practice',
  title: 'Session practice and accessibility',
  about: 'From the OWASP session management cheat sheet (C) and WCAG 2.2 (A), beyond what stands above.',
  requirements: [
    {
      id: 'C-01',
      section: 'session id name',
      level: 'R',
      requirement: 'The cookie’s name tells nothing of what is behind it.',
    },
    {
      id: 'C-02',
      section: 'strict session ids',
      level: 'R',
      requirement: 'A session id that we did not give out is never adopted, and is logged.',
      limits: 'There is no alarm for many of them yet.',
    },
    {
      id: 'C-03',
      section: 'session id exchange',
      level: 'R',
      requirement: 'A session id counts in its cookie only.',
    },
    {
      id: 'C-04',
      section: 'cookie lifetime',
      level: 'R',
      requirement: 'The session cookie goes when the browser does.',
    },
    {
      id: 'C-05',
      section: 'before and after',
      level: 'R',
      requirement: 'Before a sign-in there is another cookie than after it.',
    },
    {
      id: 'C-06',
      section: 'renewal',
      level: 'R',
      requirement: 'The session id changes from time to time.',
      open: { notBuiltYet: 'It changes at sign-in, step-up and role change, and not by time.' },
    },
    {
      id: 'C-07',
      section: 'idle limit',
      level: 'R',
      requirement: 'The idle limit is as short as the data is sensitive, and can only be made shorter.',
    },
    {
      id: 'C-08',
      section: 'life cycle logging',
      level: 'R',
      requirement: 'The log entries of one session can be joined by a salted hash.',
      open: { notBuiltYet: 'Entries are joined by request, not by session.' },
    },
    {
      id: 'C-09',
      section: 'expiry',
      level: 'R',
      requirement: 'A cookie is deleted with the attributes it was set with, and is gone.',
      limits: 'The browser part was run in Chromium.',
    },
    {
      id: 'C-10',
      section: 'duplicates',
      level: 'R',
      requirement: 'Two cookies of the same name are refused, not chosen from.',
    },
    {
      id: 'A-01',
      section: 'WCAG 2.2.1',
      level: 'R',
      requirement:
        'People are warned before their time is up, and can extend it by a simple act, also by keyboard.',
    },
    {
      id: 'A-02',
      section: 'WCAG 2.2.1',
      level: 'R',
      requirement: 'A page that comes back from sleep or memory shows nobody who is no longer signed in.',
    },
    {
      id: 'A-03',
      section: 'WCAG 2.2.5',
      level: 'R',
      requirement: 'What a person has typed is not lost when the session ends.',
    },
  ],
};
