/** The only cookies that the functions read, and the only ones that CloudFront passes on to them. */
export const cookieNames = { session: '__Host-Http-session', signIn: '__Host-Http-sign-in' } as const;
