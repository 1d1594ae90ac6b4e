/** `cis2-bff/client/english`: what to say of a session, its people and its problems, in English. */
export * from './session.ts';
export { pageTexts, type PageTexts } from './pages.ts';
export { contacts, type ProblemText } from './error-pages.ts';
