/** The only cookies that the functions read and that CloudFront forwards. */
export const cookieNames = { session: '__Host-Http-session', signIn: '__Host-Http-sign-in' } as const;
