'use client';
/** `cis2-bff/client/pages`: the pages around a sign-in, in React 18 and 19, with the class names of the NHS design system. */
export { NotFoundPage, SignInPage, type SignInPageProps } from './signed-out.tsx';
export { Button, Page, SignIn, type ButtonProps, type PageProps, type SignInProps } from './parts.tsx';
export {
  PagesProvider,
  usePages,
  type NoticeText,
  type PagePaths,
  type Pages,
  type PagesProviderProps,
  type Router,
} from './provider.tsx';
export { SessionPages, type SessionPagesProps } from './session-pages.tsx';
